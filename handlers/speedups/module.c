/* handlers._speedups: the innermost loops over the bytes of logs. Each does exactly what the Python function of
   the same name does, which serves where this was not built; tests hold the two against each other. */
#include "speedups.h"

static PyMethodDef methods[] = {
    {"count_lines", count_lines, METH_O, "See handlers.formats.encoding.count_lines."},
    {"version_hint", version_hint, METH_VARARGS, "See handlers.formats.version_lines.version_hint."},
    {"undecodable_lines", undecodable_lines, METH_O, "See handlers.formats.encoding.undecodable_lines."},
    {"stamped_lines", stamped_lines, METH_VARARGS, "See handlers.formats.conductor_lines.stamped_lines."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_speedups", "The innermost loops over the bytes of logs.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__speedups(void)
{
    return PyModuleDef_Init(&definition);
}
