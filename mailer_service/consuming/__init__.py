"""The consuming core: reads Redis Streams, settles each entry last, and gives up nothing. Knows no mail."""
