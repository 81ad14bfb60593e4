"""The tree of RFC 6962: roots, and proofs that a record is in it and that one tree continues another. Pure; no files, no keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]  # (level, index) → root of the full subtree of 2**level leaves


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """A growing tree, remembered as the roots of its full subtrees, largest first: log2(size) hashes."""

    __slots__ = ("size", "stack")

    def __init__(self, size: int = 0, stack: Iterable[bytes] = ()) -> None:
        self.size = size
        self.stack = list(stack)
        if len(self.stack) != size.bit_count():
            raise ValueError(f"a tree of {size} has {size.bit_count()} full subtrees, not {len(self.stack)}")

    def add(self, hashed: bytes) -> None:
        """One more leaf, already hashed."""
        stack, carry = self.stack, self.size
        while carry & 1:
            hashed = sha256(b"\1" + stack.pop() + hashed).digest()
            carry >>= 1
        stack.append(hashed)
        self.size += 1

    def copy(self) -> Frontier:
        """The same tree, which no longer grows with this one."""
        return Frontier(self.size, self.stack)

    def root(self) -> bytes:
        if not self.stack:
            return EMPTY_ROOT
        root = self.stack[-1]
        for node in reversed(self.stack[:-1]):
            root = node_hash(node, root)
        return root


def root_of(subtree: Subtree, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _range(subtree, 0, size) if size else EMPTY_ROOT


def inclusion(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """RFC 9162 §2.1.3.1: the path that leads from leaf `index` to the root of the first `size`."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range(subtree, middle, end))
            end = middle
        else:
            path.append(_range(subtree, begin, middle))
            begin = middle
    return path[::-1]


def consistency(subtree: Subtree, old: int, new: int) -> list[bytes]:
    """RFC 9162 §2.1.4.1: the path that shows that the tree of `new` continues the tree of `old`."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} cannot continue one of {old}")
    begin, end, whole, path = 0, new, True, []
    while end > old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range(subtree, middle, end))
            end = middle
        else:
            path.append(_range(subtree, begin, middle))
            begin, whole = middle, False
    return ([] if whole else [_range(subtree, begin, end)]) + path[::-1]


def root_from_inclusion(hashed: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """RFC 9162 §2.1.3.2: the root that the path leads to, or None when the path has the wrong length."""
    if not 0 <= index < size:
        return None
    fn, sn, root = index, size - 1, hashed
    for node in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(node, root)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, node)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def continues(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2: does the path prove that the tree (size, root) `new` begins with the tree `old`?"""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return old_root == new_root and not path
    if old_size == 0:
        return not path
    nodes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    return old_size < new_size and bool(nodes) and _roots(old_size, new_size, nodes) == (old_root, new_root)


def _roots(old_size: int, new_size: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            old, new = node_hash(node, old), node_hash(node, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, node)
        fn, sn = fn >> 1, sn >> 1
    return (old, new) if sn == 0 else None


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range(subtree: Subtree, begin: int, end: int) -> bytes:
    """The root of leaves [begin, end), `begin` being where a subtree of that span may begin."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, begin >> level)
    middle = begin + _split(size)
    return node_hash(_range(subtree, begin, middle), _range(subtree, middle, end))
