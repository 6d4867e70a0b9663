import pytest
import torch

from crossmedia.nets.conv_encoder import ConvEncoder
from crossmedia.nets.encoder_decoder import EncoderDecoder
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder


def build(memory_dim=8):
    encoder = ConvEncoder(image_size=8, widths=(4, 8), dim=8)
    return EncoderDecoder(encoder, LSTMAttentionDecoder(11, memory_dim, 8, 8, 8)).eval()


def test_several_captions_of_an_image_score_as_each_by_itself():
    net, images = build(), torch.randn(2, 3, 8, 8)
    tokens = torch.randint(4, 11, (2, 3, 5))
    logits, attention = net(images, tokens)
    assert logits.shape == (2, 3, 5, 11) and attention.shape[:3] == (2, 3, 5)
    for caption in range(3):
        alone, looks = net(images, tokens[:, caption])
        torch.testing.assert_close(logits[:, caption], alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(attention[:, caption], looks, atol=1e-5, rtol=0)


def test_encoding_first_and_decoding_then_equals_forward():
    net, images, tokens = build(), torch.randn(2, 3, 8, 8), torch.randint(4, 11, (2, 5))
    memory, mask = net.encode(images)
    torch.testing.assert_close(net.decoder(memory, tokens, mask)[0], net(images, tokens)[0])


def test_a_decoder_for_another_memory_is_refused():
    with pytest.raises(ValueError, match="decoder.memory_dim 9: must be the encoder's dim, 8"):
        build(memory_dim=9)
