/* Decimal numbers as the nearest double, as Python reads them. */
#include "line.h"

#include <float.h>
#include <string.h>

#define MAX_DIGITS 18

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

static const byte *digits_end(const byte *at, const byte *end, uint64_t *value)
{
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        *value = *value * 10 + (uint64_t)(*at - '0'); /* may wrap: then there are too many digits */
    return at;
}

const byte *decimal_number(const byte *at, const byte *end, double *value)
{
    uint64_t all = 0;
    const byte *point = digits_end(at, end, &all), *stop = point;
    Py_ssize_t whole = point - at, fraction = 0;
    if (point < end && *point == '.') {
        stop = digits_end(point + 1, end, &all);
        fraction = stop - point - 1;
        if (fraction == 0)
            return NULL;
    }
    if (whole == 0 || whole > MAX_DIGITS || fraction > MAX_DIGITS)
        return NULL;
#if FLT_EVAL_METHOD == 0
    /* Both are exact, so that the quotient is the nearest (Clinger, "How to Read Floating Point Numbers
       Accurately", PLDI 1990). Two counts of digits may wrap together: not if they are 19 at most. */
    if (whole + fraction <= MAX_DIGITS + 1 && all <= (1ULL << 53)) {
        *value = (double)all / powers_of_ten[fraction];
        return stop;
    }
#endif
    char text[2 * MAX_DIGITS + 2];
    memcpy(text, at, (size_t)(stop - at));
    text[stop - at] = 0;
    *value = PyOS_string_to_double(text, NULL, NULL);
    return *value == -1.0 ? NULL : stop; /* it cannot fail, but for memory */
}
