/* What the files of handlers._speedups share. */
#ifndef SELFHEALD_SPEEDUPS_H
#define SELFHEALD_SPEEDUPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *count_lines(PyObject *module, PyObject *data);
PyObject *version_hint(PyObject *module, PyObject *arguments);
PyObject *undecodable_lines(PyObject *module, PyObject *data);
PyObject *stamped_lines(PyObject *module, PyObject *arguments);

#endif
