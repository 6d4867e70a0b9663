"""Where bfloat16 is fast: a machine without it emulates it, many times as slow as float32."""

from omegaconf import OmegaConf


def cpu_has_bf16() -> bool:
    """Whether this CPU computes in it: by AVX-512 BF16 or AMX."""
    import torch

    return any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def bf16_where_fast(accelerator: str) -> str:
    """`${bf16_where_fast:${trainer.accelerator}}`: bf16-mixed where the device has it, else 32-true."""
    import torch

    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    able = torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else cpu_has_bf16()
    return "bf16-mixed" if able else "32-true"


OmegaConf.register_new_resolver("bf16_where_fast", bf16_where_fast, replace=True)
