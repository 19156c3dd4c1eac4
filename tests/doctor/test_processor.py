from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.machine import Done, Machine
from trm_edge.doctor.processor import check_processor, features, recommended
from trm_edge.export.precision import INTEGER_RULES

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]


def cpuinfo(*cores: str, label: str = "flags") -> dict[str, str]:
    return {"/proc/cpuinfo": "\n".join(f"processor\t: {n}\n{label}\t\t: {core}\n" for n, core in enumerate(cores))}


@pytest.mark.parametrize(
    ("architecture", "label", "flags", "rules"),
    [
        ("x86-64", "flags", "fpu avx2 avx512f avx512_vnni", "x86-64"),
        ("x86-64", "flags", "fpu avx2 avx_vnni", "x86-64"),
        ("x86-64", "flags", "fpu avx2 amx_tile amx_int8", "x86-64"),
        ("x86-64", "flags", "fpu avx2 avx512f avx512bw", "x86-64-avx2"),
        ("x86-64", "flags", "fpu sse4_1", "x86-64-avx2"),
        ("arm64", "Features", "fp asimd asimddp i8mm bf16", "arm64"),
        ("arm64", "Features", "fp asimd", "arm64"),
    ],
)
def test_the_integer_rules_follow_from_the_instructions(
    fake: Fake, by_name: Found, architecture: str, label: str, flags: str, rules: str
) -> None:
    machine = fake(architecture=architecture, files=cpuinfo(flags, label=label))
    assert recommended(architecture, features(machine)) == rules
    found = by_name(check_processor(machine))
    assert f"--optimize-for {rules}:" in found["bundles for it"].found
    fast = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"} & set(flags.split())
    assert found["int8"].state is (State.OK if fast else State.NOTE)


def test_every_recommendation_is_a_row_of_the_exporter() -> None:
    for architecture in ("x86-64", "arm64"):
        for found in (None, frozenset[str](), frozenset({"avx512_vnni"})):
            assert recommended(architecture, found) in INTEGER_RULES


def test_what_only_the_big_cores_have_does_not_count(fake: Fake) -> None:
    machine = fake(architecture="arm64", files=cpuinfo("asimd asimddp i8mm", "asimd asimddp", label="Features"))
    assert features(machine) == frozenset({"asimd", "asimddp"})


def test_features_are_named_with_those_that_are_missing(fake: Fake, by_name: Found) -> None:
    found = by_name(check_processor(fake(files=cpuinfo("avx2 avx512_vnni amx_bf16"))))
    assert "with AVX2, AVX512-VNNI, AMX-bf16; without AVX-VNNI, AMX-int8, AVX512-bf16" in found["features"].found


def test_macos_tells_in_its_own_words(fake: Fake) -> None:
    said = "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0\nhw.optional.floatingpoint: 1\n"
    machine = fake(system="Darwin", architecture="arm64", programs={"sysctl": Done(0, said)})
    assert features(machine) == frozenset({"asimddp"})


def test_a_system_that_tells_nothing_gets_the_rules_that_are_always_right(fake: Fake, by_name: Found) -> None:
    found = by_name(check_processor(fake(system="Windows")))
    assert found["features"].state is State.NOTE
    assert "--optimize-for x86-64-avx2" in found["bundles for it"].found


def test_another_architecture(fake: Fake) -> None:
    (found,) = check_processor(fake(architecture="riscv64"))
    assert found.state is State.NOTE
    assert recommended("riscv64", None) is None
