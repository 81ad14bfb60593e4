"""GPU utilisation is read from the exporters people run, in percent."""

from __future__ import annotations

import pytest

from gateway.gpu import utilisation

DCGM = """# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",device="nvidia0"} 97
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b",device="nvidia1"} 3
DCGM_FI_DEV_MEM_COPY_UTIL{gpu="0"} 50
"""
SMI = 'nvidia_smi_utilization_gpu_ratio{uuid="df6e7a7c"} 0.42\n'


@pytest.mark.parametrize(
    ("text", "expected"), [(DCGM, {"0": 97.0, "1": 3.0}), (SMI, {"df6e7a7c": 42.0}), ("", {}), ("nonsense", {})]
)
def test_each_gpu_has_its_percent(text: str, expected: dict[str, float]) -> None:
    assert utilisation(text) == expected
