/* Times as ISO 8601 writes them: 2026-11-22T16:10:58.813Z, or with a space, and with an offset. */
#include "line.h"

static bool digits(const byte *at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *value = *value * 10 + (at[i] - '0');
    }
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 on: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t days_since_epoch(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year % 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097LL + of_era * 365LL + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* What follows the seconds: a fraction, rounded to milliseconds after six digits, and a zone. */
static bool fraction_and_zone(const byte *at, const byte *end, int *fraction_ms, int *offset_minutes)
{
    int micros = 0, hours, minutes;
    if (at < end && (*at == '.' || *at == ',')) {
        int count = 0;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, count++)
            if (count < 6)
                micros = micros * 10 + (*at - '0');
        if (count == 0)
            return false;
        for (; count < 6; count++)
            micros *= 10;
    }
    *fraction_ms = (micros + 500) / 1000;
    *offset_minutes = 0;
    if (end - at == 1)
        return *at == 'Z';
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':')
        return false;
    if (!digits(at + 1, 2, &hours) || !digits(at + 4, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_minutes = (*at == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool instant_ms(const byte *at, Py_ssize_t size, int64_t *at_ms)
{
    int year, month, day, hour, minute, second, fraction_ms, offset_minutes;
    if (size < 20 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != ' ') || at[13] != ':' ||
        at[16] != ':')
        return false;
    if (!digits(at, 4, &year) || !digits(at + 5, 2, &month) || !digits(at + 8, 2, &day) ||
        !digits(at + 11, 2, &hour) || !digits(at + 14, 2, &minute) || !digits(at + 17, 2, &second))
        return false;
    if (year < 1972 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    if (!fraction_and_zone(at + 19, at + size, &fraction_ms, &offset_minutes))
        return false;
    int64_t minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    *at_ms = (minutes * 60 + second) * 1000 + fraction_ms;
    return true;
}
