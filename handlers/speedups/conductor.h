/* The messages of a run of the conductor, as conductor_messages.c reads them for conductor_runs.c. */
#ifndef SELFHEALD_CONDUCTOR_H
#define SELFHEALD_CONDUCTOR_H

#include "speedups.h"

#include <stdbool.h>

typedef const unsigned char *Place;

typedef struct {
    Place start, end;
} Text;

/* In the order in which the messages of a run come, and any other message. */
typedef enum { EXECUTING, REQUEST, STARTED, DURATION, EXECUTED, ENDED, OTHER, NONE } Kind;

typedef struct {
    Kind kind;
    Text text;       /* name of the sequence, request id, or event of a beat */
    Text number;     /* of a beat */
    Text duration;   /* in milliseconds */
} Message;

/* The message that begins at `at` in a line that ends at `end`. Of one that is in no usual run, OTHER, only its
   first words are compared: whether it is whole, the regular expression tells. */
Message message_at(Place at, Place end);

bool is_space(unsigned char byte);
bool is_digit(unsigned char byte);

#endif
