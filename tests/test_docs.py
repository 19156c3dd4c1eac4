"""The README and the pages of ``docs/``: what they tell a reader to type is typed here, in order, one folder a page.

Blocks of ``sh`` and ``python`` are run; ``<!-- not run: reason -->`` before a block exempts it, and then at least its
commands and options are looked up. What pages say about formats is held against the code.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import GoldenVectors, Manifest
from trm_edge.cli.main import COMMANDS, load_command
from trm_edge.models_registry import resolve
from trm_edge.train.recipe import Recipe

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "training/queue.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
RUN, NOT_RUN = ("sh", "python"), ("console", "text", "toml", "json", "mermaid")
EXEMPT = (
    *("make", "pip", "trm-edge train", "trm-edge data build", "trm-edge serve", "trm-edge deploy"),
    *("torchrun", "python benchmarks/"),
)
"""What a block that is not run may hold."""
SECONDS = 300  #: of one block, on a busy machine

FENCE = re.compile(r"^(?:<!-- not run:(?P<reason>.*?)-->\n+)?```(?P<language>\S*)\n(?P<text>.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`(trm-edge [^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what it is, and why it is not run (None: it is)."""

    place: str
    language: str
    text: str
    reason: str | None

    @property
    def is_run(self) -> bool:
        """Whether it is run here."""
        return self.language in RUN and self.reason is None

    def commands(self) -> Iterator[str]:
        """Lines of a shell block without assignments before the command."""
        for line in self.text.replace("\\\n", " ").splitlines():
            yield re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line)


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            f"{page.name}:{text.count(chr(10), 0, found.start('language')) + 1}",
            *found.group("language", "text", "reason"),
        )
        for found in FENCE.finditer(text)
    ]


def each_page(*, having: str) -> pytest.MarkDecorator:
    """One case a page that holds ``having``."""
    pages = [page for page in PAGES if having in page.read_text(encoding="utf-8")]
    return pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in pages])


# -- running ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.name) for page in PAGES if any(block.is_run for block in blocks(page))]
)
def test_the_blocks_run(page: Path, tmp_path: Path) -> None:
    for package in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    lay_out(tmp_path)
    programs = str(Path(sys.executable).parent)
    assert shutil.which("trm-edge", path=programs), "install the project first: pip install -e ."
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    for block in filter(lambda block: block.is_run, blocks(page)):
        shell = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
        found = subprocess.run(
            [*shell, block.text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
        assert found.returncode == 0, f"{block.place}\n{block.text}\n{found.stdout}\n{found.stderr}"


def lay_out(folder: Path) -> None:
    """What a reader has before the first block: a run of the official code, and the model that a recipe left."""
    write_official(resolve("sudoku-9x9"), folder / "official_run")
    (folder / "my_run").mkdir()
    shutil.copy(resolve("sudoku-4x4"), folder / "my_run" / "model.safetensors")


def write_official(checkpoint: Path, folder: Path) -> None:
    """A checkpoint as the official code writes it, for a model that mixes tokens by an MLP."""
    import torch
    import yaml

    from trm_edge.model.checkpoint import load_checkpoint

    model = load_checkpoint(checkpoint).model
    ours, official = model.state_dict(), {}
    for name, tensor in ours.items():
        if name.endswith(".up_proj.weight"):
            continue
        if name.endswith(".gate_proj.weight"):
            tensor = torch.cat((tensor, ours[name.replace("gate_proj", "up_proj")]))
        name = name.replace("gate_proj", "gate_up_proj").replace("token_mlp", "mlp_t")
        official[f"_orig_mod.model.inner.{name.replace('embed_tokens.weight', 'embed_tokens.embedding_weight')}"] = (
            tensor
        )
    folder.mkdir()
    torch.save(official, folder / "step_30000")
    names = ("hidden_size", "expansion", "num_heads", "pos_encodings", "H_cycles", "L_cycles", "L_layers", "mlp_t")
    arch = {name: getattr(model.config, name) for name in (*names, "halt_max_steps", "puzzle_emb_ndim")}
    (folder / "all_config.yaml").write_text(yaml.safe_dump({"arch": arch}), encoding="utf-8")


# -- what is not run --------------------------------------------------------------------------


@each_page(having="```")
def test_every_fence_says_what_it_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^ *```", text, re.M)) == 2 * len(blocks(page)), "a fence is indented, or not closed"
    for block in blocks(page):
        assert block.language in RUN + NOT_RUN, block.place
        assert block.reason is None or block.reason.strip(), f"{block.place}: say why it is not run"


@each_page(having="not run:")
def test_only_installing_serving_and_long_training_are_not_run(page: Path) -> None:
    for block in blocks(page):
        if block.reason is not None:
            for command in block.commands():
                assert command.startswith(EXEMPT), f"{block.place}: {command}"


@each_page(having="trm-edge")
def test_commands_and_options_exist(page: Path) -> None:
    inline = [(page.name, call) for call in INLINE.findall(page.read_text(encoding="utf-8"))]
    fenced = [(block.place, call) for block in blocks(page) if block.language == "sh" for call in block.commands()]
    for place, call in inline + fenced:
        words = shlex.split(call.replace("\n", " "), comments=True)
        if words[:1] == ["trm-edge"] and not words[1].startswith("-"):
            options = option_names(words[1:]) if words[1] in COMMANDS else None
            assert options is not None, f"{place}: there is no '{call}'"
            for word in words[2:]:
                assert not word.startswith("--") or word in options, f"{place}: '{call}' has no {word}"


def option_names(words: list[str]) -> set[str] | None:
    """Options of the command that ``words`` call, which may be one of a group (``data build``); None: there is none."""
    command = load_command(words[0])
    group: dict[str, Any] | None = getattr(command, "commands", None)
    if group is not None and len(words) > 1:
        if words[1] not in group:
            return None
        command = group[words[1]]
    parameters: list[Any] = command.params
    return {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


@each_page(having="make ")
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)[0].split()
    calls = [call for block in blocks(page) if block.language == "sh" for call in block.commands()]
    calls += re.findall(r"`(make [^`]+)`", page.read_text(encoding="utf-8"))
    for call in calls:
        words = shlex.split(call, comments=True)
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word} <= set(targets), call
    for target in targets:
        assert f"\n{target}:" in makefile


def test_make_demo_and_make_test_do_what_the_readme_says() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    for target, parts in (("demo", ["trm-edge demo"]), ("test", ["ruff check", "mypy", "lint-imports", "all.py"])):
        planned = subprocess.run([make, "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True)
        assert planned.returncode == 0, planned.stderr
        for part in ("-m venv", "pip install", *parts):
            assert part in planned.stdout


# -- links and tables -------------------------------------------------------------------------


@each_page(having="](")
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_pages_name_every_field_and_every_command() -> None:
    base = json.loads((ROOT / "tests/vectors/refusals.json").read_text(encoding="utf-8"))["base"]
    named = {
        "docs/bundle.md": [*Manifest.from_dict(base).to_dict(), *(field.name for field in fields(GoldenVectors))],
        "docs/training.md": [field.name for field in fields(Recipe)],
        "CHANGELOG.md": list(COMMANDS),
    }
    for page, names in named.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in names if f"`{name}`" not in text] == [], page
