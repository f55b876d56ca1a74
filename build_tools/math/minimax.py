# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Derives the polynomial coefficients used by compiler/Codegen/CPU/Math*.cpp.

Remez exchange on a Chebyshev grid in 200-bit arithmetic, then the coefficients
are rounded one after another (lowest power first), the remaining ones being
fitted again each time. Prints C++ initialisers, lowest power first, and the
maximal weighted error before and after rounding. Needs mpmath.

    python3 minimax.py [name ...]
"""
import struct
import sys

from mpmath import mp, mpf

mp.prec = 200


def round_to(bits, value):
    """Rounds an mpf to binary32 or binary64 (no double rounding issues here)."""
    if bits == 32:
        return mpf(struct.unpack("f", struct.pack("f", float(value)))[0])
    return mpf(float(value))


def grid(lo, hi, count):
    mid, half = (mpf(lo) + hi) / 2, (mpf(hi) - lo) / 2
    return [mid - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def remez(points, target, weight, powers):
    """Minimises max |weight*(target - sum c_k x^p_k)| over the grid."""
    # Factor out the lowest power: what is left satisfies the Haar condition
    # even where the interval contains zero.
    low = min(powers)
    target = [t / x**low for t, x in zip(target, points)]
    weight = [abs(w * x**low) for w, x in zip(weight, points)]
    powers = [p - low for p in powers]
    # Points where the error hardly counts would only spoil the exchange.
    least = max(abs(x) for x in points) ** low / 10**4
    keep = [i for i, x in enumerate(points) if abs(x) ** low > least]
    rows = [[points[i] ** p for p in powers] for i in keep]
    return exchange(rows, [target[i] for i in keep], [weight[i] for i in keep])


def exchange(rows, target, weight):
    """Minimises max |weight*(target - rows c)| by Remez exchange."""
    count = len(rows[0]) + 1
    idx = [round(i * (len(rows) - 1) / (count - 1)) for i in range(count)]
    coefs = None
    for _ in range(60):
        a = mp.matrix(count, count)
        rhs = mp.matrix(count, 1)
        for r, i in enumerate(idx):
            for c in range(count - 1):
                a[r, c] = rows[i][c]
            a[r, count - 1] = (-1) ** r / weight[i]
            rhs[r] = target[i]
        sol = mp.lu_solve(a, rhs)
        coefs = [sol[c] for c in range(count - 1)]
        level = abs(sol[count - 1])
        err = [
            w * (t - sum(c * v for c, v in zip(coefs, row)))
            for w, t, row in zip(weight, target, rows)
        ]
        # One extremum for each run of equal sign.
        runs, start = [], 0
        for i in range(1, len(err) + 1):
            if i == len(err) or (err[i] > 0) != (err[start] > 0):
                runs.append(max(range(start, i), key=lambda k: abs(err[k])))
                start = i
        worst = max(abs(e) for e in err)
        if len(runs) < count or worst <= level * mpf("1.0005"):
            return coefs, worst
        while len(runs) > count + 1:
            # Drop the smallest extremum and its smaller neighbour, so that
            # the signs still alternate.
            k = min(range(len(runs)), key=lambda i: abs(err[runs[i]]))
            if k in (0, len(runs) - 1):
                runs.pop(k)
            else:
                n = min((k - 1, k + 1), key=lambda i: abs(err[runs[i]]))
                for i in sorted((k, n), reverse=True):
                    runs.pop(i)
        if len(runs) > count:
            runs.pop(0 if abs(err[runs[0]]) < abs(err[runs[-1]]) else -1)
        idx = runs
    return coefs, worst


def fit(name, bits, f, weight, powers, lo, hi, fixed=None, refit=True):
    points = grid(lo, hi, 60 * (len(powers) + 1))
    points = [x for x in points if x != 0]
    target = [f(x) for x in points]
    w = [weight(x) for x in points]
    fixed = dict(fixed or {})
    done = {}
    for p, c in fixed.items():
        target = [t - c * x**p for t, x in zip(target, points)]
    left = list(powers)
    coefs, best = remez(points, target, w, left)
    first = best
    while left:
        c = round_to(bits, coefs[0])
        p = left.pop(0)
        done[p] = c
        target = [t - c * x**p for t, x in zip(target, points)]
        if left and not refit:
            coefs = coefs[1:]
        elif left:
            coefs, best = remez(points, target, w, left)
        else:
            best = max(abs(t * v) for t, v in zip(target, w))
    print(f"// {name}: max weighted error {mp.nstr(first, 3)}"
          f" = 2^{mp.nstr(mp.log(first, 2), 4)},"
          f" rounded 2^{mp.nstr(mp.log(best, 2), 4)}")
    print("{" + ", ".join(cxx(bits, done[p]) for p in sorted(done)) + "}")
    sys.stdout.flush()


def cxx(bits, c):
    h = float(c).hex()
    head, exp = h.split("p")
    if "." in head:
        head = head.rstrip("0").rstrip(".")
    return head + "p" + exp


def one(x):
    return mpf(1)


LN2H = mp.log(2) / 2 * mpf("1.003")
S2 = mp.sqrt(2)


def erf_small(x):  # erf(sqrt(x))/sqrt(x)
    r = mp.sqrt(x)
    return mp.erf(r) / r


TASKS = {
    # e^r on |r| <= ln(2)/2, relative error; 1 + r + r^2 (...)
    "exp32": lambda: fit("exp f32", 32, mp.exp, lambda x: 1 / mp.exp(x),
                           range(2, 7), -LN2H, LN2H, {0: 1, 1: 1}),
    "exp64": lambda: fit("exp f64", 64, mp.exp, lambda x: 1 / mp.exp(x),
                         range(2, 12), -LN2H, LN2H, {0: 1, 1: 1}),
    # 2^r on |r| <= 1/2
    "exp2_32": lambda: fit("exp2 f32", 32, lambda x: mpf(2)**x,
                           lambda x: mpf(2)**-x, range(1, 7), -0.5, 0.5, {0: 1}),
    "exp2_64": lambda: fit("exp2 f64", 64, lambda x: mpf(2)**x,
                           lambda x: mpf(2)**-x, range(1, 12), -0.5, 0.5, {0: 1}),
    # (e^r - 1), relative to r: r + r^2 (...)
    "expm1_32": lambda: fit("expm1 f32", 32, mp.expm1, lambda x: 1 / mp.expm1(x),
                            range(2, 7), -LN2H, LN2H, {1: 1}),
    "expm1_64": lambda: fit("expm1 f64", 64, mp.expm1, lambda x: 1 / mp.expm1(x),
                            range(2, 13), -LN2H, LN2H, {1: 1}),
    # log(1+f), f in [1/sqrt2-1, sqrt2-1]: f - f^2/2 + f^3 (...)
    "log32": lambda: fit("log f32", 32, mp.log1p, lambda x: 1 / mp.log1p(x),
                         range(3, 11), 1 / S2 - 1, S2 - 1, {1: 1, 2: mpf(-0.5)}),
    # log((1+s)/(1-s)) = 2s + s^3 L(s^2), |s| <= (sqrt2-1)/(sqrt2+1)
    "log64": lambda: fit("log f64", 64,
                         lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z,
                         one, range(0, 7), 1e-12, ((S2 - 1) / (S2 + 1))**2),
    # erf(x) = x + x P(x^2) below the border
    "erf32_a": lambda: fit("erf f32, |x|<7/8", 32, lambda x: erf_small(x) - 1,
                           lambda x: 1 / erf_small(x), range(0, 6), 1e-9,
                           mpf("0.7657")),
    "erf64_a": lambda: fit("erf f64, |x|<1", 64, lambda x: erf_small(x) - 1,
                           lambda x: 1 / erf_small(x), range(0, 12), 1e-9, 1),
    # erfc(x) = 2^Q(x) above; error measured in erf
    "erf32_b": lambda: fit("log2 erfc f32, 7/8..4", 32,
                           lambda x: mp.log(mp.erfc(x), 2), mp.erfc, range(0, 7),
                           0.874, 4),
    "erf64_b": lambda: fit("log2 erfc f64 at 2 + x, 1..6", 64,
                           lambda x: mp.log(mp.erfc(2 + x), 2),
                           lambda x: mp.erfc(2 + x), range(0, 18), -1.01, 4,
                           refit=False),
    # 2^r for weights that are rounded to bf16
    "exp2_32w": lambda: fit("exp2 f32, for bf16", 32, lambda x: mpf(2)**x,
                            lambda x: mpf(2)**-x, range(1, 5), -0.5, 0.5, {0: 1}),
    # 2^r where only a sixth of it counts
    "exp2_32s": lambda: fit("exp2 f32, short", 32, lambda x: mpf(2)**x,
                            lambda x: mpf(2)**-x, range(1, 6), -0.5, 0.5, {0: 1}),
    "exp2_64s": lambda: fit("exp2 f64, short", 64, lambda x: mpf(2)**x,
                            lambda x: mpf(2)**-x, range(1, 11), -0.5, 0.5, {0: 1}),
    # Phi(-a) = erfc(a/sqrt 2)/2 = 2^Q(a) for the whole range of f32; an error
    # counts in Phi, below 2^-22 in Q
    "cdf32": lambda: fit("log2 Phi(-a) f32, 0..14.4", 32,
                         lambda a: mp.log(mp.erfc(a / S2) / 2, 2),
                         lambda a: max(mp.erfc(a / S2), mpf(2)**-22),
                         range(1, 12), 0, mpf("14.4"), {0: -1}, refit=False),
    # sin(r) = r + r^3 (...), cos(r) = 1 - r^2/2 + r^4 (...), |r| <= pi/4, z = r^2
    "sin32": lambda: fit("sin f32", 32,
                         lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
                         lambda z: z, range(0, 3), 1e-9, (mp.pi / 4)**2),
    "cos32": lambda: fit("cos f32", 32,
                         lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
                         lambda z: z**2, range(0, 3), 1e-9, (mp.pi / 4)**2),
    "tan32": lambda: fit("tan f32", 32,
                         lambda z: (mp.tan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
                         lambda z: z * mp.sqrt(z) / mp.tan(mp.sqrt(z)),
                         range(0, 6), 1e-9, (mp.pi / 4)**2),
    "sin64": lambda: fit("sin f64", 64,
                         lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
                         lambda z: z, range(0, 6), 1e-12, (mp.pi / 4)**2),
    "cos64": lambda: fit("cos f64", 64,
                         lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
                         lambda z: z**2, range(0, 6), 1e-12, (mp.pi / 4)**2),
}

if __name__ == "__main__":
    for task in sys.argv[1:] or TASKS:
        TASKS[task]()
