"""Drives the simulated telescope at sys.argv[1] (host:port) through alpyca, the ASCOM Initiative's own client."""

import sys
import time

from alpaca import exceptions, management
from alpaca.telescope import EquatorialCoordinateType, Telescope

PATIENCE_SECONDS = 20.0


def until(what, so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: waited {PATIENCE_SECONDS} s")
        time.sleep(0.02)


def refused(error, call):
    try:
        call()
    except error:
        return
    raise SystemExit(f"{error.__name__} was expected")


def check(what, so):
    if not so:
        raise SystemExit(f"not so: {what}")


address = sys.argv[1]
check("one version", management.apiversions(address) == [1])
roster = management.configureddevices(address)
check("one telescope", [device["DeviceType"].lower() for device in roster] == ["telescope"])
check("it is marked as simulated", roster[0]["UniqueID"].startswith("simulated-"))

telescope = Telescope(address, 0)
refused(exceptions.NotConnectedException, lambda: telescope.Slewing)
telescope.Connect()
until("connected", lambda: not telescope.Connecting)
check("connected", telescope.Connected)
check("description", "simulat" in telescope.Description.lower())
check("interface version", telescope.InterfaceVersion == 4)
check("system", telescope.EquatorialSystem == EquatorialCoordinateType.equTopocentric)

right_ascension = (telescope.SiderealTime + 1.0) % 24.0
refused(exceptions.InvalidOperationException, lambda: telescope.SlewToCoordinatesAsync(right_ascension, 20.0))
telescope.Tracking = True
telescope.SlewToCoordinatesAsync(right_ascension, 20.0)
until("arrived", lambda: not telescope.Slewing)
check("right ascension", abs(telescope.RightAscension - right_ascension) < 1e-5)
check("declination", abs(telescope.Declination - 20.0) < 1e-5)
refused(exceptions.InvalidValueException, lambda: telescope.SlewToCoordinatesAsync(25.0, 20.0))
state = {entry["Name"]: entry["Value"] for entry in telescope.DeviceState}
check("device state", state["Tracking"] is True and state["Slewing"] is False)

telescope.TargetRightAscension = right_ascension
telescope.TargetDeclination = 30.0
telescope.SlewToTargetAsync()
telescope.AbortSlew()
check("stopped", not telescope.Slewing)
telescope.Tracking = False
telescope.SlewToAltAzAsync(200.0, 50.0)
until("arrived", lambda: not telescope.Slewing)
check("azimuth", abs(telescope.Azimuth - 200.0) < 1e-3)
check("altitude", abs(telescope.Altitude - 50.0) < 1e-3)
check("site", abs(telescope.SiteLatitude) <= 90.0 and telescope.UTCDate.year >= 2024)

telescope.Park()
until("parked", lambda: telescope.AtPark)
refused(exceptions.ParkedException, lambda: telescope.SlewToCoordinatesAsync(right_ascension, 20.0))
telescope.Unpark()
telescope.FindHome()
until("home", lambda: telescope.AtHome)
telescope.Disconnect()
until("disconnected", lambda: not telescope.Connecting)
check("disconnected", not telescope.Connected)
print("alpyca is content")
