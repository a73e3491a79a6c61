/* What the files of handlers._speedups share. */
#ifndef SELFHEALD_SPEEDUPS_H
#define SELFHEALD_SPEEDUPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

PyObject *add_bins(PyObject *module, PyObject *args);
PyObject *count_lines(PyObject *module, PyObject *data);
PyObject *version_hint(PyObject *module, PyObject *arguments);
PyObject *undecodable_lines(PyObject *module, PyObject *data);
PyObject *stamped_lines(PyObject *module, PyObject *arguments);
PyObject *pack_json(PyObject *module, PyObject *args);
PyObject *pack_logfmt(PyObject *module, PyObject *args);
PyObject *quantile_bins(PyObject *module, PyObject *args);
PyObject *tally(PyObject *module, PyObject *args);

/* One beat, see handlers.model.PackedTelemetryEvents. */
typedef struct {
    int64_t offset, at_ms;
    double duration_ms; /* NaN: there is none */
    int64_t subject;
} Row;

/* Numbers of what lines are about that are none. */
#define NO_BEAT -1
#define NOT_PACKED -2

#endif
