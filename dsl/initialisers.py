"""The `__init__` of a record, one for each number of fields. A record class takes the code of its
size, with the names of its fields for these letters (`orch.dsl.record`).

They stand here, and so in a compiled file, because to compile some twenty of them would take a
twentieth of a small run (ADR 33).

Up to three fields are set by the setters of their slots. A large record takes its fields as an
object of a twin class, alike but not frozen: there the interpreter stores one in a twentieth of the
time that a call of its setter takes, and the two changes of class take as long as two setters.
"""

FIELDS_OF_LARGE = 4
"""From so many fields on a record counts as large."""

# `_become`, `_twin`, `_made` and `_set_…` are found in the scope that a record class gives them.
# fmt: off


def _of_0(self):
    pass


def _of_1(self, a):
    _set_a(self, a)


def _of_2(self, a, b):
    _set_a(self, a); _set_b(self, b)


def _of_3(self, a, b, c):
    _set_a(self, a); _set_b(self, b); _set_c(self, c)


def _of_4(self, a, b, c, d):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d
    self.__class__ = _made


def _of_5(self, a, b, c, d, e):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e
    self.__class__ = _made


def _of_6(self, a, b, c, d, e, f):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f
    self.__class__ = _made


def _of_7(self, a, b, c, d, e, f, g):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g
    self.__class__ = _made


def _of_8(self, a, b, c, d, e, f, g, h):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h
    self.__class__ = _made


def _of_9(self, a, b, c, d, e, f, g, h, i):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i
    self.__class__ = _made


def _of_10(self, a, b, c, d, e, f, g, h, i, j):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j
    self.__class__ = _made


def _of_11(self, a, b, c, d, e, f, g, h, i, j, k):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k
    self.__class__ = _made


def _of_12(self, a, b, c, d, e, f, g, h, i, j, k, l):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l
    self.__class__ = _made


def _of_13(self, a, b, c, d, e, f, g, h, i, j, k, l, m):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m
    self.__class__ = _made


def _of_14(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n
    self.__class__ = _made


def _of_15(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o
    self.__class__ = _made


def _of_16(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p
    self.__class__ = _made


def _of_17(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q
    self.__class__ = _made


def _of_18(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r
    self.__class__ = _made


def _of_19(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s
    self.__class__ = _made


def _of_20(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t
    self.__class__ = _made


def _of_21(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u
    self.__class__ = _made


def _of_22(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v
    self.__class__ = _made


def _of_23(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w
    self.__class__ = _made


def _of_24(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w; self.x = x
    self.__class__ = _made


def _of_25(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w; self.x = x; self.y = y
    self.__class__ = _made


def _of_26(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w; self.x = x; self.y = y; self.z = z
    self.__class__ = _made


def _of_27(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, A):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w; self.x = x; self.y = y; self.z = z; self.A = A
    self.__class__ = _made


def _of_28(self, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, A, B):
    _become(self, _twin)
    self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f; self.g = g; self.h = h; self.i = i; self.j = j; self.k = k; self.l = l; self.m = m; self.n = n; self.o = o; self.p = p; self.q = q; self.r = r; self.s = s; self.t = t; self.u = u; self.v = v; self.w = w; self.x = x; self.y = y; self.z = z; self.A = A; self.B = B
    self.__class__ = _made

CODES = tuple(
    initialiser.__code__
    for initialiser in (
        _of_0, _of_1, _of_2, _of_3, _of_4, _of_5, _of_6, _of_7, _of_8, _of_9, _of_10, _of_11,
        _of_12, _of_13, _of_14, _of_15, _of_16, _of_17, _of_18, _of_19, _of_20, _of_21, _of_22,
        _of_23, _of_24, _of_25, _of_26, _of_27, _of_28,
    )
)
"""By the number of fields."""
