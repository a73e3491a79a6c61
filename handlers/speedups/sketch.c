/* Sketches as handlers.sketch keeps them: a dict of whole numbers, bin -> count. */
#include "speedups.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    long long bin, count;
} Bin;

static int by_bin(const void *a, const void *b)
{
    long long left = ((const Bin *)a)->bin, right = ((const Bin *)b)->bin;
    return (left > right) - (left < right);
}

/* The bins in ascending order, each with the count of all up to it; NULL after an exception. */
static Bin *counted_bins(PyObject *sketch, Py_ssize_t *size)
{
    PyObject *key, *value;
    Py_ssize_t at = 0, i = 0;
    long long total = 0;
    bool ascend = true;
    *size = PyDict_GET_SIZE(sketch);
    Bin *bins = PyMem_Malloc(((size_t)*size + 1) * sizeof *bins);
    if (bins == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (; i < *size && PyDict_Next(sketch, &at, &key, &value); i++) {
        bins[i] = (Bin){PyLong_AsLongLong(key), PyLong_AsLongLong(value)};
        ascend = ascend && (i == 0 || bins[i - 1].bin < bins[i].bin);
    }
    if (!PyErr_Occurred()) {
        if (!ascend)
            qsort(bins, (size_t)*size, sizeof *bins, by_bin);
        for (i = 0; i < *size && !__builtin_add_overflow(total, bins[i].count, &total); i++)
            bins[i].count = total;
        if (i == *size && total > 0)
            return bins;
        PyErr_SetString(PyExc_ValueError, "an empty sketch has no quantiles");
    }
    PyMem_Free(bins);
    return NULL;
}

/* The first bin up to which more than `rank` were counted. */
static long long bin_at(const Bin *bins, Py_ssize_t size, double rank)
{
    Py_ssize_t low = 0, high = size - 1; /* in the last bin if in no other */
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        if ((long double)bins[middle].count > (long double)rank)
            high = middle;
        else
            low = middle + 1;
    }
    return bins[low].bin;
}

PyObject *quantile_bins(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *sketch, *quantiles;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "O!O", &PyDict_Type, &sketch, &quantiles))
        return NULL;
    PyObject *items = PySequence_Fast(quantiles, "quantiles are a sequence");
    if (items == NULL)
        return NULL;
    Bin *bins = counted_bins(sketch, &size);
    PyObject *list = bins == NULL ? NULL : PyList_New(PySequence_Fast_GET_SIZE(items));
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        double quantile = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items, i));
        quantile = quantile > 0.0 ? quantile < 1.0 ? quantile : 1.0 : 0.0;
        PyObject *bin = PyErr_Occurred()
                            ? NULL
                            : PyLong_FromLongLong(bin_at(bins, size, quantile * (double)(bins[size - 1].count - 1)));
        if (bin == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, bin);
    }
    PyMem_Free(bins);
    Py_DECREF(items);
    return list;
}

PyObject *add_bins(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *into, *other, *bin, *count;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "O!O!", &PyDict_Type, &into, &PyDict_Type, &other))
        return NULL;
    while (PyDict_Next(other, &at, &bin, &count)) {
        PyObject *known = PyDict_GetItemWithError(into, bin);
        if (known == NULL && PyErr_Occurred())
            return NULL;
        PyObject *sum = known == NULL ? Py_NewRef(count) : PyNumber_Add(known, count);
        int failed = sum == NULL || PyDict_SetItem(into, bin, sum) < 0;
        Py_XDECREF(sum);
        if (failed)
            return NULL;
    }
    Py_RETURN_NONE;
}
