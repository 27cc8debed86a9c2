//! A German equatorial mount: where it points, what moves it, what it refuses. Protocol lives elsewhere.

use std::time::{Duration, Instant};

use vocabulary::Clock;

use super::{
    EquatorialSystem, Options, Site,
    effects::{Deed, Effects},
    sky::{self, Direction},
};

/// Why the mount does not do it, in ASCOM's terms.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refusal {
    NotConnected,
    Parked,
    Invalid(String),
    NotNow(&'static str),
    NotSet,
}

/// What turns with a direction: the stars or the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Frame {
    /// Right ascension and declination of date.
    Sky,
    /// Hour angle and declination.
    Ground,
}

/// Why the mount moves, which decides what holds on arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Purpose {
    Goto,
    Park,
    Home,
}

#[derive(Debug, Clone, Copy)]
struct Slew {
    from: Direction,
    to: Direction,
    frame: Frame,
    started: Instant,
    lasts: Duration,
    purpose: Purpose,
}

/// The mount. Every question and order settles first what has ended meanwhile.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) site: Site,
    pub(super) system: EquatorialSystem,
    pub(super) target_right_ascension: Option<f64>,
    pub(super) target_declination: Option<f64>,
    slew_degrees_per_second: f64,
    horizon_degrees: f64,
    clock: Clock,
    clock_offset_seconds: f64,
    effects: Effects,
    connected: bool,
    tracking: bool,
    parked: bool,
    at_home: bool,
    pointing: Direction,
    frame: Frame,
    slew: Option<Slew>,
    park_position: Direction,
}

impl Mount {
    pub(super) fn new(options: &Options, effects: Effects) -> Self {
        let mut mount = Self {
            site: options.site,
            system: options.equatorial_system,
            target_right_ascension: None,
            target_declination: None,
            slew_degrees_per_second: options.slew_degrees_per_second,
            horizon_degrees: options.horizon_degrees,
            clock: options.clock.clone(),
            clock_offset_seconds: 0.0,
            effects,
            connected: false,
            tracking: false,
            parked: false,
            at_home: true,
            pointing: [0.0; 3],
            frame: Frame::Ground,
            slew: None,
            park_position: sky::direction(6.0, 90.0_f64.copysign(options.site.latitude_degrees)),
        };
        mount.pointing = mount.home();
        mount
    }

    pub(super) fn connected(&self) -> bool {
        self.connected
    }

    pub(super) fn set_connected(&mut self, connected: bool) {
        if self.connected != connected {
            self.connected = connected;
            self.effects.add(if connected { Deed::Connect } else { Deed::Disconnect });
        }
    }

    /// The mount as it is now, if somebody is connected to it.
    pub(super) fn live(&mut self) -> Result<&mut Self, Refusal> {
        if !self.connected {
            return Err(Refusal::NotConnected);
        }
        self.settle(Instant::now());
        Ok(self)
    }

    /// The mount as it is now, if it may move.
    fn free(&mut self) -> Result<&mut Self, Refusal> {
        let mount = self.live()?;
        if mount.parked { Err(Refusal::Parked) } else { Ok(mount) }
    }

    pub(super) fn slewing(&self) -> bool {
        self.slew.is_some()
    }

    pub(super) fn tracking(&self) -> bool {
        self.tracking
    }

    pub(super) fn parked(&self) -> bool {
        self.parked
    }

    pub(super) fn at_home(&self) -> bool {
        self.at_home
    }

    /// How long the motion under way still lasts.
    pub(super) fn remaining(&self) -> Duration {
        self.slew.map_or(Duration::ZERO, |slew| slew.lasts.saturating_sub(slew.started.elapsed()))
    }

    /// Unix seconds by the mount's own clock.
    pub(super) fn unix_seconds(&self) -> f64 {
        self.clock.now().unix_seconds() + self.clock_offset_seconds
    }

    pub(super) fn set_unix_seconds(&mut self, seconds: f64) {
        self.clock_offset_seconds = seconds - self.clock.now().unix_seconds();
    }

    pub(super) fn sidereal_hours(&self) -> f64 {
        sky::sidereal_hours(self.unix_seconds(), self.site.longitude_degrees)
    }

    /// Right ascension (hours) and declination (degrees) in the mount's own system.
    pub(super) fn equatorial(&self) -> (f64, f64) {
        let of_date = self.direction_in(Frame::Sky);
        sky::hours_degrees(match self.system {
            EquatorialSystem::Topocentric => of_date,
            EquatorialSystem::J2000 => sky::to_j2000(of_date, self.unix_seconds()),
        })
    }

    /// Altitude and azimuth in degrees.
    pub(super) fn horizontal(&self) -> (f64, f64) {
        let (hour_angle, declination) = sky::hours_degrees(self.direction_in(Frame::Ground));
        sky::horizontal(hour_angle, declination, self.site.latitude_degrees)
    }

    /// Whether the mount points west of the meridian, its counterweight east.
    pub(super) fn looks_west(&self) -> bool {
        is_west(self.direction_in(Frame::Ground))
    }

    /// The same for coordinates that it would slew to.
    pub(super) fn would_look_west(&self, right_ascension: f64, declination: f64) -> Result<bool, Refusal> {
        let of_date = self.of_date(right_ascension, declination)?;
        Ok(is_west(self.turned(of_date, Frame::Sky, Frame::Ground)))
    }

    pub(super) fn slew_equatorial(&mut self, right_ascension: f64, declination: f64) -> Result<(), Refusal> {
        let mount = self.free()?;
        let to = mount.of_date(right_ascension, declination)?;
        mount.is_above_horizon(mount.turned(to, Frame::Sky, Frame::Ground))?;
        if !mount.tracking {
            return Err(Refusal::NotNow("tracking must be on for a slew to equatorial coordinates"));
        }
        mount.target_right_ascension = Some(right_ascension);
        mount.target_declination = Some(declination);
        mount.begin(to, Frame::Sky, Purpose::Goto);
        mount.effects.add(Deed::Slew { right_ascension, declination });
        Ok(())
    }

    /// Slews to what was set as target before.
    pub(super) fn slew_target(&mut self) -> Result<(), Refusal> {
        let (right_ascension, declination) =
            self.target_right_ascension.zip(self.target_declination).ok_or(Refusal::NotSet)?;
        self.slew_equatorial(right_ascension, declination)
    }

    pub(super) fn slew_horizontal(&mut self, altitude: f64, azimuth: f64) -> Result<(), Refusal> {
        let mount = self.free()?;
        within("azimuth", azimuth, 0.0, 360.0)?;
        within("altitude", altitude, -90.0, 90.0)?;
        let (hour_angle, declination) = sky::hour_angle(altitude, azimuth, mount.site.latitude_degrees);
        let to = sky::direction(hour_angle, declination);
        mount.is_above_horizon(to)?;
        if mount.tracking {
            return Err(Refusal::NotNow("tracking must be off for a slew to horizontal coordinates"));
        }
        mount.begin(to, Frame::Ground, Purpose::Goto);
        mount.effects.add(Deed::SlewHorizontal { altitude, azimuth });
        Ok(())
    }

    pub(super) fn sync(&mut self, right_ascension: f64, declination: f64) -> Result<(), Refusal> {
        let mount = self.free()?;
        let to = mount.of_date(right_ascension, declination)?;
        if !mount.tracking {
            return Err(Refusal::NotNow("tracking must be on for a sync"));
        }
        if mount.slewing() {
            return Err(Refusal::NotNow("the mount is slewing"));
        }
        (mount.pointing, mount.frame) = (to, Frame::Sky);
        mount.effects.add(Deed::Sync);
        Ok(())
    }

    pub(super) fn abort(&mut self) -> Result<(), Refusal> {
        let mount = self.free()?;
        let frame = if mount.tracking { Frame::Sky } else { Frame::Ground };
        mount.hold(frame);
        mount.effects.add(Deed::Abort);
        Ok(())
    }

    pub(super) fn park(&mut self) -> Result<(), Refusal> {
        let mount = self.live()?;
        if !mount.parked {
            mount.set_tracking_now(Tracking::Off);
            mount.begin(mount.park_position, Frame::Ground, Purpose::Park);
            mount.effects.add(Deed::Park);
        }
        Ok(())
    }

    pub(super) fn set_park(&mut self) -> Result<(), Refusal> {
        let mount = self.live()?;
        mount.park_position = mount.direction_in(Frame::Ground);
        Ok(())
    }

    pub(super) fn unpark(&mut self) -> Result<(), Refusal> {
        let mount = self.live()?;
        if mount.parked {
            mount.parked = false;
            mount.effects.add(Deed::Unpark);
        }
        Ok(())
    }

    pub(super) fn find_home(&mut self) -> Result<(), Refusal> {
        let mount = self.free()?;
        mount.set_tracking_now(Tracking::Off);
        mount.begin(mount.home(), Frame::Ground, Purpose::Home);
        mount.effects.add(Deed::FindHome);
        Ok(())
    }

    pub(super) fn set_tracking(&mut self, tracking: bool) -> Result<(), Refusal> {
        let mount = self.free()?;
        mount.set_tracking_now(if tracking { Tracking::On } else { Tracking::Off });
        mount.effects.add(Deed::Track { tracking });
        Ok(())
    }

    fn set_tracking_now(&mut self, tracking: Tracking) {
        self.tracking = tracking == Tracking::On;
        let frame = if self.tracking { Frame::Sky } else { Frame::Ground };
        if self.slew.is_none() {
            self.hold(frame);
        }
        self.at_home &= !self.tracking;
    }

    fn begin(&mut self, to: Direction, frame: Frame, purpose: Purpose) {
        let from = self.direction_in(frame);
        let seconds = sky::separation_degrees(from, to) / self.slew_degrees_per_second;
        let lasts = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        self.at_home = false;
        self.slew = Some(Slew { from, to, frame, started: Instant::now(), lasts, purpose });
    }

    /// Ends motion where it is.
    fn hold(&mut self, frame: Frame) {
        self.pointing = self.direction_in(frame);
        self.frame = frame;
        self.slew = None;
    }

    /// Takes note of an arrival.
    fn settle(&mut self, now: Instant) {
        let Some(slew) = self.slew else { return };
        if now.duration_since(slew.started) < slew.lasts {
            return;
        }
        (self.pointing, self.frame, self.slew) = (slew.to, slew.frame, None);
        self.parked = slew.purpose == Purpose::Park;
        self.at_home = slew.purpose == Purpose::Home;
        // Tracking may have been switched on the way.
        let held = if self.tracking { Frame::Sky } else { Frame::Ground };
        self.hold(held);
    }

    fn direction_in(&self, frame: Frame) -> Direction {
        match self.slew {
            None => self.turned(self.pointing, self.frame, frame),
            Some(slew) => {
                let fraction = if slew.lasts.is_zero() {
                    1.0
                } else {
                    (slew.started.elapsed().as_secs_f64() / slew.lasts.as_secs_f64()).min(1.0)
                };
                self.turned(sky::between(slew.from, slew.to, fraction), slew.frame, frame)
            }
        }
    }

    /// The same direction in another frame: hour angle is sidereal time less right ascension, and the other way round.
    fn turned(&self, direction: Direction, from: Frame, to: Frame) -> Direction {
        if from == to {
            return direction;
        }
        let (hours, degrees) = sky::hours_degrees(direction);
        sky::direction(self.sidereal_hours() - hours, degrees)
    }

    fn of_date(&self, right_ascension: f64, declination: f64) -> Result<Direction, Refusal> {
        check_right_ascension(right_ascension)?;
        check_declination(declination)?;
        let direction = sky::direction(right_ascension, declination);
        Ok(match self.system {
            EquatorialSystem::Topocentric => direction,
            EquatorialSystem::J2000 => sky::from_j2000(direction, self.unix_seconds()),
        })
    }

    fn is_above_horizon(&self, on_ground: Direction) -> Result<(), Refusal> {
        let (hour_angle, declination) = sky::hours_degrees(on_ground);
        let (altitude, _) = sky::horizontal(hour_angle, declination, self.site.latitude_degrees);
        if altitude >= self.horizon_degrees {
            return Ok(());
        }
        let horizon = self.horizon_degrees;
        Err(Refusal::Invalid(format!("target altitude {altitude:.2} degrees is below the limit of {horizon} degrees")))
    }

    /// South (north on the southern hemisphere), 45 degrees up.
    fn home(&self) -> Direction {
        let latitude = self.site.latitude_degrees;
        let (hour_angle, declination) = sky::hour_angle(45.0, if latitude < 0.0 { 0.0 } else { 180.0 }, latitude);
        sky::direction(hour_angle, declination)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Tracking {
    On,
    Off,
}

fn is_west(on_ground: Direction) -> bool {
    sky::hours_degrees(on_ground).0 < 12.0
}

pub(super) fn check_right_ascension(hours: f64) -> Result<(), Refusal> {
    within("right ascension", hours, 0.0, 24.0)
}

pub(super) fn check_declination(degrees: f64) -> Result<(), Refusal> {
    within("declination", degrees, -90.0, 90.0)
}

pub(super) fn within(what: &str, value: f64, low: f64, high: f64) -> Result<(), Refusal> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(Refusal::Invalid(format!("{what} {value} is out of range: {low} to {high} is allowed")))
    }
}
