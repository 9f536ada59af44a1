"""Times and sizes in words."""

import math

UNITS = ("B", "kB", "MB", "GB", "TB")


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes as people say them: 5 B, 20 MB, 2.5 GB."""
    thousands = min(int(math.log10(max(count, 1)) // 3), len(UNITS) - 1)
    return f"{count / 1000**thousands:.3g} {UNITS[thousands]}"


def counted(count: int, noun: str) -> str:
    """A number and its noun: `1 seed`, `3 seeds`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
