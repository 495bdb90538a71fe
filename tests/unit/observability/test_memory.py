"""Memory by the kernel's files, of which there are two versions and, outside of containers, none."""

from pathlib import Path

import pytest

from service.observability.memory import MemoryFiles, memory_files

V2 = {"memory.current": "500\n", "memory.max": "1000\n", "memory.stat": "anon 300\ninactive_file 120\n"}
V1 = {
    "memory.usage_in_bytes": "500\n",
    "memory.limit_in_bytes": "1000\n",
    "memory.stat": "cache 9\ninactive_file 1\ntotal_inactive_file 120\n",
}
UNLIMITED = {"memory.max": "max\n", "memory.limit_in_bytes": "9223372036854771712\n"}


def system(root: Path, groups: str, folder: str, files: dict[str, str]) -> MemoryFiles | None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups, encoding="ascii")
    group = root / "sys/fs/cgroup" / folder
    group.mkdir(parents=True)
    for name, content in files.items():
        (group / name).write_text(content, encoding="ascii")
    return memory_files(root)


@pytest.mark.parametrize(
    ("groups", "folder", "files"),
    [
        ("0::/\n", ".", V2),
        ("0::/system.slice/weir.service\n", "system.slice/weir.service", V2),
        ("0::/kubepods/pod1/seen-from-the-host\n", ".", V2),
        ("5:cpu,memory:/\n0::/\n", "memory", V1),
        ("4:memory:/weir\n1:cpu:/\n", "memory/weir", V1),
        ("4:memory:/docker/seen-from-the-host\n", "memory", V1),
    ],
)
def test_both_versions(tmp_path: Path, groups: str, folder: str, files: dict[str, str]) -> None:
    found = system(tmp_path, groups, folder, files)
    assert found is not None
    assert (found.read_used(), found.read_limit()) == ({(): 380}, {(): 1000})
    group = tmp_path / "sys/fs/cgroup" / folder
    for name in UNLIMITED.keys() & files.keys():
        (group / name).write_text(UNLIMITED[name], encoding="ascii")
    assert (found.read_used(), found.read_limit()) == ({(): 380}, {})
    for name in files:
        (group / name).unlink()
    assert (found.read_used(), found.read_limit()) == ({}, {})


def test_a_group_that_does_not_count_memory(tmp_path: Path) -> None:
    assert memory_files(tmp_path) is None
    assert system(tmp_path, "1:cpu:/\n0::/\n", "unified", {}) is None
