/* handlers._speedups: the innermost loops over the bytes of logs. Each does exactly what the Python function of
   the same name does, which serves where this was not built; tests hold the two against each other. */
#include "speedups.h"

static PyMethodDef methods[] = {
    {"add_bins", add_bins, METH_VARARGS, "See handlers.sketch.add_bins."},
    {"count_lines", count_lines, METH_O, "See handlers.formats.encoding.count_lines."},
    {"version_hint", version_hint, METH_VARARGS, "See handlers.formats.version_lines.version_hint."},
    {"undecodable_lines", undecodable_lines, METH_O, "See handlers.formats.encoding.undecodable_lines."},
    {"stamped_lines", stamped_lines, METH_VARARGS, "See handlers.formats.conductor_lines.stamped_lines."},
    {"pack_json", pack_json, METH_VARARGS, "See handlers.formats.packed."},
    {"pack_logfmt", pack_logfmt, METH_VARARGS, "See handlers.formats.packed."},
    {"quantile_bins", quantile_bins, METH_VARARGS, "See handlers.sketch.quantile_bins."},
    {"tally", tally, METH_VARARGS, "See handlers.telemetry.tally."},
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
