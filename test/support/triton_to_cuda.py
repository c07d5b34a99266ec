"""Compile the kernel of the sparse core for CUDA: a process of its own, not in the interpreter."""

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from snn_ros.sparse.backends import triton_kernels

AMPERE, HOPPER = 80, 90  # compute capability, times ten
THREADS = 32  # of a warp
CONSTANTS = {
    "OFFSETS": 27, "IN": 16, "OUT": 33, "MAX_COUNT": 4,
    "BLOCK_ROWS": triton_kernels.BLOCK_ROWS, "BLOCK_IN": 32, "BLOCK_OUT": 64,
}  # fmt: skip
POINTERS = {
    "neighbours": "*i32", "scale": "*fp32", "shift": "*fp32", "shortcut": "*fp32",
    "membrane": "*fp32", "counts": "*i8", "num_outputs": "i32",
}  # fmt: skip


def compiled(number, capability, absent):
    constants = CONSTANTS | {"SUMS": tl.int32 if number == "i8" else tl.float32}
    constants |= dict.fromkeys(absent)
    signature = POINTERS | {"features": f"*{number}", "weight": f"*{number}"}
    signature |= dict.fromkeys(constants, "constexpr")
    return triton.compile(
        ASTSource(triton_kernels._convolve, signature, constants),
        target=GPUTarget("cuda", capability, THREADS),
        options=triton_kernels.OPTIONS,
    )


def main():
    cases = [
        ("i8", HOPPER, ()),
        ("i8", AMPERE, ("shortcut", "counts")),
        ("fp16", HOPPER, ()),
        ("fp32", AMPERE, ("membrane",)),
    ]
    for number, capability, absent in cases:
        made = compiled(number, capability, absent)
        what = f"{number} for {capability} without {absent}"
        assert made.asm["cubin"], what
        assembly = made.asm["ptx"]
        assert ("mma" in assembly) == (number != "fp32"), f"{what}: matrix units"
        if number == "i8":  # all that is real there comes after the sum
            assert "fma" not in assembly, f"{what}: contracted"


if __name__ == "__main__":
    main()
