"""astroz and python-sgp4 over the same satellites and instants; the bench asks for a round by a line and reads a line of JSON.

Arguments: a file of near-earth and a file of deep-space element sets (two lines each), the start as a Julian day and its fraction, and how many
instants of a minute each. Figures are states a CPU second.
"""

import json
import sys
import time

import numpy as np
from astroz._astroz import WGS72, Sgp4Constellation, sdp4_batch_propagate_into
from astroz._astroz import Satrec as AstrozSatrec
from sgp4.api import WGS72 as VALLADO_WGS72
from sgp4.api import Satrec, SatrecArray


def satellites(path):
    lines = open(path).read().split("\n")
    return [pair for pair in zip(lines[::2], lines[1::2]) if pair[1]]


near, deep = satellites(sys.argv[1]), satellites(sys.argv[2])
day, fraction, count = float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
jd, fr = np.full(count, day), fraction + np.arange(count) / 1440.0
astroz_near = [AstrozSatrec.twoline2rv(*pair, WGS72) for pair in near]
astroz_deep = [AstrozSatrec.twoline2rv(*pair, WGS72) for pair in deep]
constellation = Sgp4Constellation(astroz_near, WGS72)
offsets = ((day - np.array(constellation.epochs)) + fraction) * 1440.0
minutes = np.arange(float(count))
vallado_near = SatrecArray([Satrec.twoline2rv(*pair, VALLADO_WGS72) for pair in near])
vallado_deep = SatrecArray([Satrec.twoline2rv(*pair, VALLADO_WGS72) for pair in deep])
vallado_one = Satrec.twoline2rv(*near[0], VALLADO_WGS72)
vallado_deep_one = Satrec.twoline2rv(*deep[0], VALLADO_WGS72)


def room(satellites):
    return np.zeros((len(satellites), count, 3)), np.zeros((len(satellites), count, 3))


(near_r, near_v), (deep_r, deep_v), (row_r, row_v) = room(near), room(deep), room(near[:1])
snap_r, snap_v = np.zeros((len(near), 1, 3)), np.zeros((len(near), 1, 3))
snap_deep_r, snap_deep_v = np.zeros((len(deep), 1, 3)), np.zeros((len(deep), 1, 3))


def one_by_one(satellite, jd, fr):
    for index in range(count):
        satellite.sgp4(jd, fr[index])


INSTANTS = 40
FORMS = {
    ("astroz", "near, grid"): (len(near) * count, lambda: constellation.propagate_into(minutes, near_r, near_v, epoch_offsets=offsets)),
    ("astroz", "deep, grid"): (len(deep) * count, lambda: sdp4_batch_propagate_into(astroz_deep, jd, fr, deep_r, deep_v)),
    ("astroz", "near, one satellite"): (count, lambda: astroz_near[0].sgp4_array_into(jd, fr, row_r[0], row_v[0])),
    ("astroz", "deep, one satellite"): (count, lambda: astroz_deep[0].sgp4_array_into(jd, fr, row_r[0], row_v[0])),
    ("astroz", "near, one instant"): (
        len(near) * INSTANTS,
        lambda: [constellation.propagate_into(minutes[k : k + 1], snap_r, snap_v, epoch_offsets=offsets) for k in range(INSTANTS)],
    ),
    ("astroz", "deep, one instant"): (
        len(deep) * INSTANTS,
        lambda: [sdp4_batch_propagate_into(astroz_deep, jd[k : k + 1], fr[k : k + 1], snap_deep_r, snap_deep_v) for k in range(INSTANTS)],
    ),
    ("astroz", "near, one by one"): (count, lambda: one_by_one(astroz_near[0], day, fr)),
    ("astroz", "deep, one by one"): (count, lambda: one_by_one(astroz_deep[0], day, fr)),
    ("python-sgp4", "near, grid"): (len(near) * count, lambda: vallado_near.sgp4(jd, fr)),
    ("python-sgp4", "deep, grid"): (len(deep) * count, lambda: vallado_deep.sgp4(jd, fr)),
    ("python-sgp4", "near, one satellite"): (count, lambda: vallado_one.sgp4_array(jd, fr)),
    ("python-sgp4", "deep, one satellite"): (count, lambda: vallado_deep_one.sgp4_array(jd, fr)),
    ("python-sgp4", "near, one instant"): (
        len(near) * INSTANTS,
        lambda: [vallado_near.sgp4(jd[k : k + 1], fr[k : k + 1]) for k in range(INSTANTS)],
    ),
    ("python-sgp4", "deep, one instant"): (
        len(deep) * INSTANTS,
        lambda: [vallado_deep.sgp4(jd[k : k + 1], fr[k : k + 1]) for k in range(INSTANTS)],
    ),
    ("python-sgp4", "near, one by one"): (count, lambda: one_by_one(vallado_one, day, fr)),
    ("python-sgp4", "deep, one by one"): (count, lambda: one_by_one(vallado_deep_one, day, fr)),
}

# Some satellites at some instants, by which the bench sees that all compute the same.
errors, positions, _ = vallado_near.sgp4(jd[::97].copy(), fr[::97].copy())
deep_errors, deep_positions, _ = vallado_deep.sgp4(jd[::97].copy(), fr[::97].copy())
print(
    json.dumps(
        {
            "near": [[code, *where] for codes, row in zip(errors.tolist(), positions.tolist()) for code, where in zip(codes, row)],
            "deep": [[code, *where] for codes, row in zip(deep_errors.tolist(), deep_positions.tolist()) for code, where in zip(codes, row)],
        }
    ).replace("NaN", "null"),
    flush=True,
)
for line in sys.stdin:
    wanted = line.strip()
    for (peer, form), (states, work) in FORMS.items():
        if form == wanted:
            began, done = time.process_time(), 0
            while time.process_time() - began < 0.2:
                work()
                done += states
            print(json.dumps([peer, done / (time.process_time() - began)]), flush=True)
    print("null", flush=True)
