"""Fits the polynomials of the math expansions: Remez in mpmath, coefficients rounded to f32 or f64 one at a time, lowest
first, the rest fitted again. Prints constants for Rust and the error before the rounding of the evaluation.
Usage: fit.py [name filter]"""
import struct
import sys
from mpmath import acos, asin, atan, atanh, cos, erf, erfc, exp, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 50


def rounded(value, bits):
    if bits == 64:
        return mpf(float(value))
    return mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def remez(f, powers, weight, low, high):
    """Minimises max |weight·(f - Σ c_p x^p)|."""
    count = len(powers)
    points = 40 * (count + 2)
    grid = [low + (high - low) * (1 - cos(pi * k / points)) / 2 for k in range(points + 1)]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    basis = [[x**p for p in powers] for x in grid]
    chosen = [round(points * (1 - float(cos(pi * k / count))) / 2) for k in range(count + 1)]
    best = None
    for _ in range(12):
        rows, right = matrix(count + 1), matrix(count + 1, 1)
        for r, g in enumerate(chosen):
            for c in range(count):
                rows[r, c] = basis[g][c] * weights[g]
            rows[r, count] = (-1) ** r
            right[r] = values[g] * weights[g]
        solution = lu_solve(rows, right)
        coefficients = [solution[c] for c in range(count)]
        errors = [w * (v - sum(c * b for c, b in zip(coefficients, bs))) for v, w, bs in zip(values, weights, basis)]
        worst = max(abs(e) for e in errors)
        if best is None or worst < best[0]:
            best = (worst, coefficients)
        peaks, start = [], 0
        for k in range(1, len(grid) + 1):
            if k == len(grid) or (errors[k] > 0) != (errors[start] > 0):
                peaks.append(max(range(start, k), key=lambda g: abs(errors[g])))
                start = k
        if len(peaks) < count + 1:
            break
        while len(peaks) > count + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if peaks == chosen:
            break
        chosen = peaks
    return best


def fit(name, bits, f, count, weight, low, high):
    if len(sys.argv) > 1 and sys.argv[1] not in name:
        return
    low, high = mpf(low), mpf(high)
    fixed = []
    for p in range(count):
        rest = lambda x: f(x) - sum(c * x**q for q, c in enumerate(fixed))
        _, coefficients = remez(rest, list(range(p, count)), weight, low, high)
        fixed.append(rounded(coefficients[0], bits))
    points = [low + (high - low) * k / 500 for k in range(501)]
    error = max(abs(weight(x) * (f(x) - sum(c * x**q for q, c in enumerate(fixed)))) for x in points)
    print(f"/// Error 2^{float(log(error, 2)):.1f}.")
    print(f"const {name}: [f64; {count}] = [" + ", ".join(repr(float(c)) for c in fixed) + "];", flush=True)


tiny = mpf("1e-12")  # where a quotient of the series is taken from its limit


def at(x, limit, value):
    return limit if x < tiny else value(x)


half = log(mpf(2)) / 2 * mpf("1.001")
exp_tail = lambda x: mpf(1) / 2 + x / 6 if abs(x) < mpf("1e-15") else (exp(x) - 1 - x) / x**2
fit("EXP_F64", 64, exp_tail, 10, lambda x: x**2 * exp(-x) + mpf("1e-6"), -half, half)
# The largest s of log and pow, for mantissas in [1/√2, √2].
top = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.001")
fit("LOG_F64", 64, lambda z: at(z, mpf(2) / 3, lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z), 7, lambda z: z + mpf("1e-4"), 0, top)
fit("POW_F64", 64, lambda z: at(z, mpf(1) / 5, lambda z: (atanh(sqrt(z)) / sqrt(z) - 1 - z / 3) / z**2), 8, lambda z: z**2 + mpf("1e-6"), 0, top)
fit("POW_F32", 64, lambda z: at(z, mpf(1) / 3, lambda z: (atanh(sqrt(z)) / sqrt(z) - 1) / z), 5, lambda z: z + mpf("1e-3"), 0, top)
quarter = (pi / 4 * mpf("1.002")) ** 2
for bits, sines, cosines in ((32, 3, 3), (64, 6, 6)):
    fit(f"SIN_F{bits}", bits, lambda z: at(z, mpf(-1) / 6, lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z), sines, lambda z: z + mpf("1e-3"), 0, quarter)
    fit(f"COS_F{bits}", bits, lambda z: at(z, mpf(1) / 24, lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2), cosines, lambda z: z**2 + mpf("1e-3"), 0, quarter)
for bits, arcs, tangents in ((32, 5, 4), (64, 13, 11)):
    fit(f"ASIN_F{bits}", bits, lambda z: at(z, mpf(1) / 6, lambda z: (asin(sqrt(z)) / sqrt(z) - 1) / z), arcs, lambda z: z + mpf("1e-3"), 0, "0.2501")
    fit(f"ATAN_F{bits}", bits, lambda z: at(z, mpf(-1) / 3, lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z), tangents, lambda z: z + mpf("1e-3"), 0, "0.17158")
fit("TANH_F64", 64, lambda z: at(z, mpf(-1) / 3, lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z), 11, lambda z: z + mpf("1e-3"), 0, "0.3601")
fit("ERF_SMALL_F64", 64, lambda z: at(z, 2 / sqrt(pi) - 1, lambda z: erf(sqrt(z)) / sqrt(z) - 1), 12, lambda z: mpf(1), 0, "0.8101")
fit("ERF_LARGE_F64", 64, lambda t: -log(erfc(t)) - t, int(sys.argv[2]) if len(sys.argv) > 2 else 20, lambda t: erfc(t) / erf(t), "0.9", "6.0")
