"""The peers of the orbital engine's sky: Skyfield (with python-sgp4 inside) and Predict, beside what the bench `passes` wrote into a folder.

    sky.py compare FOLDER   prints the worst differences of places, angles, light and passes
    sky.py rates FOLDER     answers each line `skyfield COUNT` or `predict COUNT` on standard input with `CPU-SECONDS PAIRS PASSES`
"""

import collections
import csv
import pathlib
import sys
import time

import numpy
from skyfield.api import EarthSatellite, Loader, wgs84
from skyfield.data import iers
from skyfield_data import get_skyfield_data_path

ARCSECONDS = 206264.80624709636


def rows(folder, name):
    with open(folder / name, newline="") as file:
        return [[float(field) for field in row] for row in csv.reader(file)]


class Sky:
    """Satellites, stations and a time scale with the same Earth orientation as the engine has."""

    def __init__(self, folder):
        self.folder = folder
        load = Loader(str(get_skyfield_data_path()), verbose=False, expire=False)
        with open(folder / "finals2000A.txt", "rb") as file:
            finals = iers.parse_x_y_dut1_from_finals_all(file)
        self.ts = load.timescale(builtin=True)
        # Delta T of the same table, day by day; leap seconds are those that Skyfield has.
        days = self.ts.utc(1858, 11, 17.0 + finals["utc_mjd"])
        tt_minus_utc = (days.tt - (finals["utc_mjd"] + 2400000.5)) * 86400.0
        delta_t = numpy.round(tt_minus_utc, 3) - finals["dut1"]
        self.ts.delta_t_function = lambda tt: numpy.interp(tt, days.tt, delta_t)
        iers.install_polar_motion_table(self.ts, finals)
        self.ephemeris = load("de421.bsp")
        lines = (folder / "satellites.tle").read_text().splitlines()
        self.lines = list(zip(lines[0::3], lines[1::3], lines[2::3]))
        self.satellites = [EarthSatellite(one, two, name, self.ts) for name, one, two in self.lines]
        self.places = rows(folder, "stations.csv")
        self.stations = [wgs84.latlon(lat, lon, elevation_m=height) for lat, lon, height in self.places]
        (self.begin, self.end), = rows(folder, "window.csv")

    def at(self, unix):
        """Times of seconds since 1970; exact to the microsecond, as UTC days and seconds apart."""
        day, second = numpy.divmod(numpy.asarray(unix), 86400.0)
        return self.ts.utc(1970, 1, 1 + day, 0, 0, second)


def worst(name, unit, values, explained):
    values = numpy.abs(numpy.asarray(values, dtype=float))
    shares = numpy.percentile(values, [50, 99])
    print(f"  {name:44} p50 {shares[0]:10.3g}  p99 {shares[1]:10.3g}  worst {values.max():10.3g} {unit:7} n {len(values):6}  {explained}")


def places(sky):
    columns = [[] for _ in range(8)]
    teme, gcrs, sub, height, elevation, azimuth, distance, rate = columns
    table = numpy.array(rows(sky.folder, "places.csv"))
    lit, lit_odd, errors = 0, [], 0
    for index, satellite in enumerate(sky.satellites):
        ours = table[table[:, 0] == index]
        if not len(ours):
            continue
        when = sky.at(ours[:, 1])
        # python-sgp4 itself, by minutes from epoch as both have them, so that nothing hides in Julian dates.
        epoch = (satellite.model.jdsatepoch - 2440587.5) * 86400.0 + round(satellite.model.jdsatepochF * 86400e6) / 1e6
        for row in ours:
            error, position, _ = satellite.model.sgp4_tsince((row[1] - epoch) / 60.0)
            errors += error != 0
            teme.append(numpy.linalg.norm(row[2:5] - position) * 1e6)
        here = satellite.at(when)
        gcrs.extend(numpy.linalg.norm(here.position.km.T - ours[:, 5:8], axis=1) * 1e3)
        ground = wgs84.geographic_position_of(here)
        east = (ground.longitude.degrees - ours[:, 9] + 180.0) % 360.0 - 180.0
        north = ground.latitude.degrees - ours[:, 8]
        level = numpy.hypot(north, east * numpy.cos(numpy.radians(ours[:, 8])))
        sub.extend(numpy.radians(level) * 6378137.0)
        height.extend((ground.elevation.km - ours[:, 10]) * 1e3)
        sunlit = here.is_sunlit(sky.ephemeris)
        lit += len(sunlit)
        for row, theirs in zip(ours, sunlit):
            if bool(row[16]) != bool(theirs):
                lit_odd.append((bool(theirs), row[17]))
        for station in range(len(sky.stations)):
            mine = ours[ours[:, 11] == station]
            if not len(mine):
                continue
            seen = (satellite - sky.stations[station]).at(sky.at(mine[:, 1]))
            altitude, bearing, away, _, _, going = seen.frame_latlon_and_rates(sky.stations[station])
            elevation.extend((altitude.radians - numpy.radians(mine[:, 13])) * ARCSECONDS)
            turned = (bearing.degrees - mine[:, 12] + 180.0) % 360.0 - 180.0
            azimuth.extend(numpy.radians(turned) * numpy.cos(altitude.radians) * ARCSECONDS)
            distance.extend((away.km - mine[:, 14]) * 1e3)
            rate.extend((going.km_per_s - mine[:, 15]) * 1e6)
    print(f"places: {len(teme)} of {len(sky.satellites)} satellites, python-sgp4 errors {errors}")
    worst("TEME position beside python-sgp4", "mm", teme, "seconds since 1970 as a double are good to 0.12 us, which is 0.9 mm")
    worst("GCRS position", "m", gcrs, "Skyfield splits time in Julian days; 1 us is 8 mm")
    worst("sub-satellite point", "m", sub, "the same, and the ground turns")
    worst("height", "m", height, "")
    worst("elevation", "arcsec", elevation, "1 us of a low satellite is 0.003 arcsec")
    worst("azimuth x cos(elevation)", "arcsec", azimuth, "the same")
    worst("range", "m", distance, "")
    worst("range rate", "mm/s", rate, "Skyfield turns velocities with a rounded rate of the Earth")
    print(f"  sunlit or not: {len(lit_odd)} of {lit} differ" + "".join(
        f"; {'Skyfield' if theirs else 'the engine'} alone has it lit, with {hidden:.2f} of the Sun hidden" for theirs, hidden in lit_odd))
    print("    Skyfield's Earth is a sphere of the equator's radius, ours is the ellipsoid: near the poles its shadow is up to 21 km wider")


def explained(sky, table, who, kind, index, station, moment):
    """Why one alone has an event."""
    satellite, place = sky.satellites[index], sky.stations[station]
    before, there, after = (satellite - place).at(sky.at(moment + numpy.array([-1.0, 0.0, 1.0]))).altaz()[0].degrees
    mine = table[(table[:, 0] == index) & (table[:, 1] == station)]
    within = mine[(mine[:, 2] <= moment) & (moment <= mine[:, 4])]
    if who == "Skyfield" and kind == "culmination" and len(within) and there <= within[0][5] + 1e-5:
        return "a lower summit of a pass with several: Skyfield lists each, a pass of the engine has its highest"
    if who == "engine" and kind != "culmination" and abs(there) < 1e-5 and before * after < 0:
        return "a horizon crossing that Skyfield's own altitudes confirm and its search steps over"
    return f"NOT EXPLAINED: {who}, {kind} of {satellite.name}, station {station}, {moment:.1f}: {before:.5f} {there:.5f} {after:.5f}"


def passes(sky):
    table = numpy.array(rows(sky.folder, "passes.csv"))
    rise, top, fall, height, over, odd = [], [], [], [], [], []
    names = ("rise", "culmination", "set")
    begin, end = sky.at(sky.begin), sky.at(sky.end)
    for index in sorted({int(row[0]) for row in table}):
        satellite = sky.satellites[index]
        for station, place in enumerate(sky.stations):
            mine = table[(table[:, 0] == index) & (table[:, 1] == station)]
            times, kinds = satellite.find_events(place, begin, end, altitude_degrees=0.0)
            unix = (times.whole - 2440587.5 + times.tt_fraction) * 86400.0 - 69.184
            theirs = {kind: unix[kinds == kind] for kind in range(3)}
            for column, kind, off in ((2, 0, rise), (3, 1, top), (4, 2, fall)):
                # What begins or ends with the window is no event there; nor is a summit on its edge.
                inside = [row for row in mine if sky.begin + 1e-3 < row[column] < sky.end - 1e-3]
                ours = numpy.array([row[column] for row in inside])
                for moment in ours:
                    near = theirs[kind][numpy.abs(theirs[kind] - moment) < 30.0] if len(theirs[kind]) else []
                    if len(near):
                        off.append((near[0] - moment) * 1e3)
                    else:
                        odd.append(("engine", names[kind], index, station, moment))
                for moment in theirs[kind]:
                    if not len(ours) or numpy.abs(ours - moment).min() > 30.0:
                        odd.append(("Skyfield", names[kind], index, station, moment))
                if kind != 1 and len(ours):
                    altitude = (satellite - place).at(sky.at(ours)).altaz()[0]
                    over.extend(altitude.radians * ARCSECONDS)
                if kind == 1 and len(inside):
                    altitude = (satellite - place).at(sky.at(ours)).altaz()[0]
                    height.extend((altitude.degrees - numpy.array([row[5] for row in inside])) * 3600.0)
    print(f"passes: {len(table)} found; events that one alone has: {len(odd)}")
    for reason, count in collections.Counter(explained(sky, table, *event) for event in odd).items():
        print(f"    {count}: {reason}")
    worst("rise", "ms", rise, "Skyfield stops at steps of its own; see the next line but two for who is nearer")
    worst("culmination", "ms", top, "a summit is flat: Skyfield fits a parabola")
    worst("set", "ms", fall, "as rise")
    worst("Skyfield's own altitude at our rise and set", "arcsec", over, "should be 0: our times are where Skyfield has altitude 0")
    worst("maximum elevation", "arcsec", height, "")


def rates(sky):
    import predict

    for line in sys.stdin:
        peer, count = line.split()
        pairs = [(s, p) for s in range(0, len(sky.satellites), max(1, len(sky.satellites) // int(count))) for p in range(len(sky.stations))]
        found, started = 0, time.process_time()
        if peer == "skyfield":
            begin, end = sky.at(sky.begin), sky.at(sky.end)
            for satellite, station in pairs:
                found += int((sky.satellites[satellite].find_events(sky.stations[station], begin, end, 0.0)[1] == 0).sum())
        else:
            for satellite, station in pairs:
                north, east, height = sky.places[station]
                lines = list(sky.lines[satellite])
                try:
                    for _ in predict.transits(lines, (north, -east, int(height)), sky.begin, sky.end):
                        found += 1
                except predict.PredictException:
                    # It gives up where a satellite never rises.
                    pass
        print(time.process_time() - started, len(pairs), found, flush=True)


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    sky = Sky(folder)
    if command == "compare":
        places(sky)
        passes(sky)
    else:
        rates(sky)


main()
