"""Screens the satellites of a TLE file with astroz, once for each line that it reads, and says what it cost."""

import datetime
import json
import sys
import time

import astroz

path, start, minutes, threshold, step, events = sys.argv[1:7]
with open(path, encoding="ascii") as file:
    constellation = astroz.Constellation(file.read())
start = datetime.datetime.fromisoformat(start)
# The columns of astroz are sorted by theory; the catalogue numbers of the bench are places.
places = [satrec.satnum - 1 for satrec in constellation._satrecs]
print("ready", flush=True)
for _ in sys.stdin:
    begin = time.process_time()
    found = astroz.screen(
        constellation, float(minutes), threshold=float(threshold), step=float(step), start_time=start
    )
    seconds = time.process_time() - begin
    with open(events, "w", encoding="ascii") as file:
        for i, j, at, distance, speed in zip(found.i, found.j, found.time, found.distance, found.speed):
            file.write(f"{places[i]} {places[j]} {float(at) * 60.0!r} {float(distance)!r} {float(speed)!r}\n")
    print(json.dumps({"seconds": seconds, "events": len(found.i)}), flush=True)
