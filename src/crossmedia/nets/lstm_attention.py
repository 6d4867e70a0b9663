"""LSTM decoder with soft attention: show, attend and tell (Xu et al., 2015).

Shapes: B batch, R hypotheses of each, L tokens, N memory cells, M memory width, A attention width, E
embedding width, D state width, V words.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within

# Of its own a hypothesis has h and c, (B · R, D); in common: memory (B, N, M), keys (B, N, A), mask (B, N)
State = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


class LSTMAttentionDecoder(nn.Module):
    """Writes a token a step, looking at the memory through additive attention (Bahdanau et al., 2015).

    As in the paper: the state starts from the mean of the memory, a gate β weighs the context, and the deep
    output layer reads word, state and context. One thing differs: the query sees the previous word as well as
    the state, so that the attention may go where that word has just decided to go.
    """

    def __init__(
        self,
        vocab_size: int,
        memory_dim: int = 512,
        dim: int = 1000,
        embedding_dim: int = 512,
        attention_dim: int = 512,
        dropout: float = 0.5,
    ):
        super().__init__()
        within(vocab_size=vocab_size, memory_dim=memory_dim, dim=dim, dropout=dropout)
        within(embedding_dim=embedding_dim, attention_dim=attention_dim)
        self.memory_dim = memory_dim
        self.sizes = (attention_dim, 4 * dim)
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.start_state = nn.Linear(memory_dim, 2 * dim)
        self.key = nn.Linear(memory_dim, attention_dim)
        self.energy = nn.Linear(attention_dim, 1, bias=False)
        # what each of three inputs adds to the query, to the LSTM's gates, and to β (section 4.2.1)
        self.from_word = nn.Linear(embedding_dim, attention_dim + 4 * dim)
        self.from_state = nn.Linear(dim, attention_dim + 4 * dim + 1)
        self.from_context = nn.Linear(memory_dim, 4 * dim, bias=False)
        queries = self.from_word.weight[:attention_dim], self.from_state.weight[:attention_dim]
        for weight in (self.key.weight, self.energy.weight, *queries):
            nn.init.xavier_uniform_(weight)  # a dense layer's own start looks everywhere alike
        with torch.no_grad():  # keep what is in the cell, to begin with (Jozefowicz et al., 2015)
            self.from_word.bias[attention_dim + dim : attention_dim + 2 * dim] += 1
        self.dropout = nn.Dropout(dropout)
        self.deep_output = nn.Linear(embedding_dim + dim + memory_dim, embedding_dim)
        self.output = nn.Linear(embedding_dim, vocab_size)

    def forward(self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """memory (B, N, M), tokens (B, L), mask (B, N) true=keep -> logits (B, L, V), attention (B, L, N).

        tokens may have K rows for each of the memory's, one below another.
        """
        (h, c), common = self.start(memory, mask)
        h, c = (part.repeat_interleave(len(tokens) // len(memory), 0) for part in (h, c))
        state = (h, c), common
        words = self.embedding(tokens)  # (B, L, E)
        hiddens, contexts, attention = [], [], []
        for word in self.from_word(words).unbind(1):
            state, context, weights = self._advance(word, state)
            hiddens.append(state[0][0])
            contexts.append(context)
            attention.append(weights)
        logits = self._read_out(words, torch.stack(hiddens, 1), torch.stack(contexts, 1))  # (B, L, V)
        return logits, torch.stack(attention, 1)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """The state before the first token."""
        if mask is None:
            mask = memory.new_ones(memory.shape[:2], dtype=torch.bool)
        kept = mask[..., None].to(memory.dtype)  # (B, N, 1)
        mean = (memory * kept).sum(1) / kept.sum(1)  # (B, M)
        h, c = self.start_state(mean).tanh().chunk(2, -1)  # (B, D) each
        return (h, c), (memory, self.key(memory), mask)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (B · R,) -> logits (B · R, V) of what follows them, and the next state."""
        word = self.embedding(tokens)  # (B, E)
        state, context, _ = self._advance(self.from_word(word), state)
        return self._read_out(word, state[0][0], context), state

    def _advance(self, word: Tensor, state: State) -> tuple[State, Tensor, Tensor]:
        """One step; word (B, A + 4 D) is what the word adds to the query and to the gates.

        K rows, one below another, look at each row of the memory.
        """
        (h, c), (memory, keys, mask) = state
        word_query, word_gates = word.split(self.sizes, -1)
        query, gates, beta = self.from_state(h).split((*self.sizes, 1), -1)
        asked = (query + word_query).view(len(memory), -1, 1, keys.shape[-1])  # (B/K, K, 1, A)
        energy = self.energy((keys[:, None] + asked).tanh()).squeeze(-1)  # (B/K, K, N)
        weights = energy.masked_fill(~mask[:, None], float("-inf")).softmax(-1)
        context = torch.bmm(weights, memory).flatten(0, 1) * beta.sigmoid()  # (B, M)
        gates = gates + word_gates + self.from_context(context)
        opened, candidate = gates.split((3 * c.shape[1], c.shape[1]), -1)
        input_gate, forget_gate, output_gate = opened.sigmoid().chunk(3, -1)
        c = forget_gate * c + input_gate * candidate.tanh()
        h = output_gate * c.tanh()
        return ((h, c), (memory, keys, mask)), context, weights.flatten(0, 1)

    def _read_out(self, word: Tensor, h: Tensor, context: Tensor) -> Tensor:
        """The deep output layer (eq. 7): (..., E), (..., D), (..., M) -> (..., V)."""
        deep = self.deep_output(self.dropout(torch.cat((word, h, context), -1)))
        return self.output(self.dropout(F.relu(deep)))
