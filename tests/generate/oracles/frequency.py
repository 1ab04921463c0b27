"""The high-pass filter."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Two adapters, frequencies 0 to 2 of 14 and of 10."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (2, 3)))
    return Case("without the slowest waves", [Adapter("peft", m) for m in (a, b)], [1.0, -0.6], method="frequency",
                params={"cutoff": 0.3}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """By numpy's FFT."""

    def one(parts):
        total = sum(part.tau for part in parts)
        waves = np.fft.fft2(total)
        slow = [np.abs(np.fft.fftfreq(n, 1 / n)).round() < int(problem.params["cutoff"] * min(total.shape))
                for n in total.shape]
        waves[np.ix_(*slow)] = 0
        return np.fft.ifft2(waves).real

    return problem.each(one)
