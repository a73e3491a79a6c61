"""Log formats, one small module each: `recognizes` a file by its head, `extract` events from its blocks."""
