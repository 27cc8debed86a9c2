//! Figures of other programs, as tables.

/// A star, the Sun and the Moon over a site at a moment, as astropy 8.0.2 has them (pyerfa 2.0.1.5).
///
/// The program: for each row `t = Time(at, scale="utc", location=EarthLocation.from_geodetic(…))`, with `t.delta_ut1_utc` and the
/// polar motion set to `orientation` (the values of its built-in IERS table, rounded to microseconds and microarcseconds; made up after the table's
/// end, zero before its beginning); `j2000` in `ICRS`; then `transform_to(TETE(obstime=t))`, `transform_to(AltAz(obstime=t, location=…))`
/// with `pressure=0` and with the row's (7 °C, half humidity, 0.55 µm), `t.sidereal_time("apparent")`; and `get_body("sun" | "moon", t)` of the ephemeris
/// `"builtin"` in `TETE`, and with `location=…` in `AltAz`, while `erfa.ld` is replaced by the identity: astropy lets the Sun deflect its own light,
/// by an unstable formula that moves it by up to 2 arcseconds. The row of 1965 is at midnight, since SOFA takes TAI-UTC of 0 h for UT1 all day.
pub(crate) struct Row {
    /// Latitude, longitude, elevation in metres.
    pub(crate) site: [f64; 3],
    pub(crate) at: &'static str,
    /// UT1-UTC in seconds, polar motion x and y in arcseconds.
    pub(crate) orientation: [f64; 3],
    /// Hours, degrees.
    pub(crate) j2000: [f64; 2],
    pub(crate) of_date: [f64; 2],
    pub(crate) altitude: f64,
    pub(crate) azimuth: f64,
    /// hPa.
    pub(crate) pressure: f64,
    /// Altitude with refraction.
    pub(crate) observed: f64,
    /// Local apparent sidereal time, hours.
    pub(crate) sidereal: f64,
    pub(crate) sun: Seen,
    pub(crate) moon: Seen,
    /// Illuminated fraction of the Moon.
    pub(crate) lit: f64,
    /// Ecliptic longitude of date of the Moon less that of the Sun, degrees.
    pub(crate) phase: f64,
}

/// A body: of date from the centre of the Earth (hours, degrees, au), over the horizon from the site (degrees).
pub(crate) struct Seen {
    pub(crate) right_ascension: f64,
    pub(crate) declination: f64,
    pub(crate) distance: f64,
    pub(crate) altitude: f64,
    pub(crate) azimuth: f64,
}

/// Sun and Moon of date from the centre of the Earth (hours, degrees, kilometres), as skyfield 1.55 has them from JPL's DE421:
/// `earth.at(t).observe(body).apparent().radec(epoch=t)`, with `t` from the terrestrial time that astropy finds for `at`.
pub(crate) struct Jpl {
    pub(crate) at: &'static str,
    pub(crate) sun: [f64; 3],
    pub(crate) moon: [f64; 3],
}

const PARANAL: [f64; 3] = [-24.6272, -70.4042, 2635.0];
const MAUNA_KEA: [f64; 3] = [19.8263, -155.4747, 4205.0];
const GREENWICH: [f64; 3] = [51.4779, -0.0015, 46.0];
const SIDING_SPRING: [f64; 3] = [-31.2733, 149.0617, 1165.0];
const SVALBARD: [f64; 3] = [78.2232, 15.6267, 445.0];
const DEAD_SEA: [f64; 3] = [31.5, 35.5, -430.0];
const QUITO: [f64; 3] = [0.0, -78.4678, 2850.0];
const SOUTH_POLE: [f64; 3] = [-90.0, 0.0, 2835.0];

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // Orion Nebula
    Row { site: PARANAL, at: "2026-11-21T20:15:00Z", orientation: [-0.080111, 0.112879, 0.324733], j2000: [5.5881386667, -5.39111], of_date: [5.6106564439, -5.371991371],
        altitude: -48.119872048, azimuth: 131.723390890, pressure: 734.9, observed: -48.069967773, sidereal: 19.6126510888,
        sun: Seen { right_ascension: 15.822104380, declination: -20.04899320, distance: 0.987828802, altitude: 37.56767130, azimuth: 262.92499508 },
        moon: Seen { right_ascension: 1.235916460, declination: 12.38753216, distance: 0.002491257, altitude: -1.09295722, azimuth: 76.40563288 },
        lit: 0.8948158, phase: 142.261177 },
    // M31
    Row { site: MAUNA_KEA, at: "2024-03-20T03:06:00Z", orientation: [-0.009199, -0.01335, 0.313268], j2000: [0.7123138887, 41.26875], of_date: [0.7338020891, 41.400172952],
        altitude: 36.621687995, azimuth: 307.439269529, pressure: 606.9, observed: 36.634819231, sidereal: 4.6113477961,
        sun: Seen { right_ascension: 23.999980301, declination: -0.00001384, distance: 0.995863315, altitude: 19.54051313, azimuth: 262.64731899 },
        moon: Seen { right_ascension: 8.494534344, declination: 24.15982543, distance: 0.002682202, altitude: 35.45041741, azimuth: 74.01834283 },
        lit: 0.7781336, phase: 123.816109 },
    // equinox
    Row { site: GREENWICH, at: "2017-01-01T00:00:00Z", orientation: [0.591287, 0.080549, 0.263128], j2000: [0.0000000000, 0.0], of_date: [0.0143471104, 0.093493779],
        altitude: -6.518720934, azimuth: 278.405284085, pressure: 1007.6, observed: -6.333488785, sidereal: 6.7224843998,
        sun: Seen { right_ascension: 18.779774007, declination: -22.99900313, distance: 0.983337951, altitude: -61.51451198, azimuth: 358.34149145 },
        moon: Seen { right_ascension: 20.915604839, declination: -15.33684391, distance: 0.002615794, altitude: -45.98339248, azimuth: 311.83197804 },
        lit: 0.0724212, phase: 31.087478 },
    // Deneb
    Row { site: SIDING_SPRING, at: "2016-12-31T23:59:59.5Z", orientation: [-0.408713, 0.080549, 0.263128], j2000: [20.6905319833, 45.28033881], of_date: [20.6997640346, 45.344952004],
        altitude: -4.267032904, azimuth: 37.882072908, pressure: 879.1, observed: -4.106600406, sidereal: 16.6596132590,
        sun: Seen { right_ascension: 18.779772729, declination: -22.99900456, distance: 0.983337951, altitude: 60.62916536, azimuth: 81.53775432 },
        moon: Seen { right_ascension: 20.915589847, declination: -15.33688709, distance: 0.002615794, altitude: 29.23249300, azimuth: 90.35677611 },
        lit: 0.0724203, phase: 31.087275 },
    // Betelgeuse
    Row { site: SVALBARD, at: "2010-07-15T12:34:56.789Z", orientation: [-0.053928, 0.10139, 0.483551], j2000: [5.9195292660, 7.407064], of_date: [5.9290120585, 7.409292104],
        altitude: 15.061361889, azimuth: 230.475494138, pressure: 959.8, observed: 15.117794822, sidereal: 9.1748826632,
        sun: Seen { right_ascension: 7.650334149, declination: 21.48921278, distance: 1.016460387, altitude: 32.24695001, azimuth: 205.31253968 },
        moon: Seen { right_ascension: 10.919526173, declination: 1.83576003, distance: 0.002434816, altitude: 11.40270464, azimuth: 153.17203197 },
        lit: 0.1900310, phase: 51.428607 },
    // Antares
    Row { site: DEAD_SEA, at: "2000-01-01T12:00:00Z", orientation: [0.355037, 0.043382, 0.37787], j2000: [16.4901276947, -26.43200261], of_date: [16.4895006661, -26.428929592],
        altitude: 2.627185841, azimuth: 236.586299024, pressure: 1067.8, observed: 2.828279732, sidereal: 21.0639037154,
        sun: Seen { right_ascension: 18.751892544, declination: -23.03242969, distance: 0.983327620, altitude: 26.15518736, azimuth: 215.68872372 },
        moon: Seen { right_ascension: 14.830155301, declination: -10.90025838, distance: 0.002689964, altitude: -9.52222535, azimuth: 262.45544913 },
        lit: 0.2300862, phase: 302.954870 },
    // Crab
    Row { site: QUITO, at: "1999-12-31T23:59:59.999999Z", orientation: [0.355472, 0.043261, 0.377991], j2000: [5.5755386667, 22.0145], of_date: [5.5756644416, 22.012946093],
        altitude: 25.676395446, azimuth: 65.425200244, pressure: 715.9, observed: 25.700264268, sidereal: 1.4331955961,
        sun: Seen { right_ascension: 18.715070061, declination: -23.07112173, distance: 0.983331851, altitude: -9.90377130, azimuth: 246.55935037 },
        moon: Seen { right_ascension: 14.444653393, declination: -8.99404278, distance: 0.002679809, altitude: -72.68809367, azimuth: 238.83578149 },
        lit: 0.2716722, phase: 297.434239 },
    // Sigma Octantis
    Row { site: SOUTH_POLE, at: "1995-04-05T06:07:08Z", orientation: [0.145319, 0.045461, 0.557766], j2000: [21.1463446667, -88.9565], of_date: [21.0631617182, -88.969108689],
        altitude: 88.969039504, azimuth: 31.090840594, pressure: 717.2, observed: 88.969247591, sidereal: 18.9909547266,
        sun: Seen { right_ascension: 0.920744879, declination: 5.90855138, distance: 1.000369697, altitude: -5.91112792, azimuth: 88.94685066 },
        moon: Seen { right_ascension: 4.762894570, declination: 19.15436827, distance: 0.002707230, altitude: -20.00001406, azimuth: 146.57913913 },
        lit: 0.2325637, phase: 57.478129 },
    // Regulus
    Row { site: PARANAL, at: "1987-02-23T07:35:35Z", orientation: [-0.211048, 0.1221, 0.249993], j2000: [10.1395308293, 11.96720878], of_date: [10.1284242675, 12.029859741],
        altitude: 33.382358725, azimuth: 305.214548470, pressure: 734.9, observed: 33.400284653, sidereal: 13.0770195802,
        sun: Seen { right_ascension: 22.402125545, declination: -9.99068003, distance: 0.989385966, altitude: -37.75566138, azimuth: 126.61007713 },
        moon: Seen { right_ascension: 17.983798109, declination: -28.49677247, distance: 0.002453448, altitude: 24.20165854, azimuth: 111.39761235 },
        lit: 0.2855050, phase: 295.638658 },
    // Spica
    Row { site: MAUNA_KEA, at: "1979-06-01T18:00:00Z", orientation: [0.148178, -0.151309, 0.271266], j2000: [13.4198831573, -11.16131949], of_date: [13.4019326089, -11.054493022],
        altitude: -71.536318994, azimuth: 295.864283078, pressure: 606.9, observed: -71.533367102, sidereal: 0.2765995349,
        sun: Seen { right_ascension: 4.603512656, declination: 22.04303346, distance: 1.014116021, altitude: 29.80787429, azimuth: 75.33176505 },
        moon: Seen { right_ascension: 9.961061460, declination: 11.01102452, distance: 0.002702531, altitude: -44.59762792, azimuth: 50.97347514 },
        lit: 0.3892716, phase: 77.052873 },
    // Polaris
    Row { site: GREENWICH, at: "1973-10-10T10:10:10Z", orientation: [-0.043548, 0.057828, 0.321396], j2000: [2.5303040447, 89.26410897], of_date: [2.1343426950, 89.144598432],
        altitude: 50.825110394, azimuth: 359.118669808, pressure: 1007.6, observed: 50.838338432, sidereal: 11.4275656150,
        sun: Seen { right_ascension: 13.042317797, declination: -6.66555135, distance: 0.998398441, altitude: 28.24898828, azimuth: 152.44542944 },
        moon: Seen { right_ascension: 23.583478930, declination: 2.73900484, distance: 0.002559136, altitude: -36.51034293, azimuth: 357.12158208 },
        lit: 0.9632671, phase: 158.388642 },
    // Canopus
    Row { site: SIDING_SPRING, at: "2005-09-09T21:00:00Z", orientation: [-0.600699, 0.049311, 0.423117], j2000: [6.3991971887, -52.69566138], of_date: [6.4010607077, -52.691110292],
        altitude: 68.474632346, azimuth: 175.119213409, pressure: 879.1, observed: 68.480222279, sidereal: 6.2042378421,
        sun: Seen { right_ascension: 11.219289433, declination: 5.02925005, distance: 1.007014790, altitude: 9.87910017, azimuth: 77.88285861 },
        moon: Seen { right_ascension: 15.603108591, declination: -23.04762802, distance: 0.002565252, altitude: -24.93048499, azimuth: 140.62203331 },
        lit: 0.3300993, phase: 69.956625 },
    // ecliptic pole
    Row { site: SVALBARD, at: "2012-06-30T12:00:00Z", orientation: [-0.586787, 0.093446, 0.409301], j2000: [18.0000000000, 66.5607], of_date: [18.0009039761, 66.562875842],
        altitude: 55.523193662, azimuth: 16.987017156, pressure: 959.8, observed: 55.533814906, sidereal: 7.6388968664,
        sun: Seen { right_ascension: 6.659865878, declination: 23.12429197, distance: 1.016639760, altitude: 34.47182897, azimuth: 196.42800572 },
        moon: Seen { right_ascension: 15.413738103, declination: -19.68652489, distance: 0.002429795, altitude: -25.48026608, azimuth: 67.75305956 },
        lit: 0.8525451, phase: 134.748137 },
    // Vega
    Row { site: DEAD_SEA, at: "2013-01-15T04:00:00Z", orientation: [0.261351, 0.058039, 0.296062], j2000: [18.6156489860, 38.78368896], of_date: [18.6226578656, 38.795671480],
        altitude: 34.389710641, azimuth: 61.898235544, pressure: 1067.8, observed: 34.414794471, sidereal: 14.0183621503,
        sun: Seen { right_ascension: 19.807958205, declination: -21.09768951, distance: 0.983689312, altitude: -8.29810280, azimuth: 109.71133502 },
        moon: Seen { right_ascension: 22.641386226, declination: -3.31721787, distance: 0.002521632, altitude: -35.53003349, azimuth: 69.97259671 },
        lit: 0.1468835, phase: 44.757187 },
    // Orion Nebula
    Row { site: QUITO, at: "2019-08-12T09:00:00Z", orientation: [-0.158495, 0.214763, 0.381544], j2000: [5.5881386667, -5.39111], of_date: [5.6037433339, -5.378328882],
        altitude: 22.893891375, azimuth: 95.839837510, pressure: 715.9, observed: 22.921018171, sidereal: 1.1371414697,
        sun: Seen { right_ascension: 9.453615571, declination: 15.00508587, distance: 1.013403915, altitude: -33.40472706, azimuth: 71.93280633 },
        moon: Seen { right_ascension: 19.047951883, declination: -22.38095149, distance: 0.002660223, altitude: -2.15522597, azimuth: 247.61355394 },
        lit: 0.9106132, phase: 145.122822 },
    // before 24 h
    Row { site: SOUTH_POLE, at: "2021-12-21T15:59:00Z", orientation: [-0.107737, 0.073896, 0.26401], j2000: [23.9999933333, -0.5], of_date: [0.0185132346, -0.379348214],
        altitude: 0.379329210, azimuth: 30.087547632, pressure: 717.2, observed: 0.508546559, sidereal: 22.0126767583,
        sun: Seen { right_ascension: 17.999984178, declination: -23.43747835, distance: 0.983719883, altitude: 23.43528042, azimuth: 299.80961949 },
        moon: Seen { right_ascension: 7.999185093, declination: 24.97246667, distance: 0.002689519, altitude: -25.78795190, azimuth: 149.79764835 },
        lit: 0.9444368, phase: 207.024589 },
    // Sirius
    Row { site: PARANAL, at: "2022-05-16T04:11:00Z", orientation: [-0.09795, 0.12257, 0.485393], j2000: [6.7524770220, -16.71611586], of_date: [6.7686422200, -16.741312093],
        altitude: -22.038698500, azimuth: 238.168531837, pressure: 734.9, observed: -21.924841880, sidereal: 15.0803896299,
        sun: Seen { right_ascension: 3.530389792, declination: 19.08696342, distance: 1.010956621, altitude: -81.64046781, azimuth: 229.81571621 },
        moon: Seen { right_ascension: 15.523969286, declination: -19.32557624, distance: 0.002420700, altitude: 81.72421472, azimuth: 50.63455356 },
        lit: 0.9999951, phase: 179.968943 },
    // M31
    Row { site: MAUNA_KEA, at: "2023-10-14T18:00:00Z", orientation: [0.013751, 0.29042, 0.301523], j2000: [0.7123138887, 41.26875], of_date: [0.7342575155, 41.400699567],
        altitude: -11.290207022, azimuth: 322.077606371, pressure: 606.9, observed: -11.186718857, sidereal: 9.1699288508,
        sun: Seen { right_ascension: 13.301534200, declination: -8.24365044, distance: 0.997506832, altitude: 22.87884884, azimuth: 108.51751159 },
        moon: Seen { right_ascension: 13.312519220, declination: -7.94033928, distance: 0.002653931, altitude: 22.01153772, azimuth: 108.14211111 },
        lit: 0.0000091, phase: 0.037597 },
    // equinox
    Row { site: GREENWICH, at: "2024-04-08T18:17:00Z", orientation: [-0.016569, -0.009175, 0.358252], j2000: [0.0000000000, 0.0], of_date: [0.0203079315, 0.132369327],
        altitude: -13.052464523, azimuth: 287.159236206, pressure: 1007.6, observed: -12.874741348, sidereal: 7.4496000406,
        sun: Seen { right_ascension: 1.193567107, declination: 7.59141084, distance: 1.001506955, altitude: 3.55250821, azimuth: 277.72854475 },
        moon: Seen { right_ascension: 1.182380377, declination: 7.89698981, distance: 0.002405148, altitude: 2.67798961, azimuth: 278.05283928 },
        lit: 0.0000093, phase: 359.961831 },
    // Deneb
    Row { site: SIDING_SPRING, at: "2025-02-28T00:00:01Z", orientation: [0.046484, 0.070424, 0.325002], j2000: [20.6905319833, 45.28033881], of_date: [20.7042853376, 45.366116254],
        altitude: 13.297156460, azimuth: 2.476140016, pressure: 879.1, observed: 13.355687148, sidereal: 20.4755719225,
        sun: Seen { right_ascension: 22.746724120, declination: -7.95335826, distance: 0.990595737, altitude: 50.62570683, azimuth: 60.99116054 },
        moon: Seen { right_ascension: 22.762062937, declination: -9.63916336, distance: 0.002438427, altitude: 50.90982210, azimuth: 63.28072661 },
        lit: 0.0002214, phase: 359.575239 },
    // Betelgeuse
    Row { site: SVALBARD, at: "2045-06-15T08:30:00Z", orientation: [-0.25, 0.1, 0.3], j2000: [5.9195292660, 7.407064], of_date: [5.9603400369, 7.412794126],
        altitude: 16.029684212, azimuth: 136.082538035, pressure: 959.8, observed: 16.082663743, sidereal: 3.1441669644,
        sun: Seen { right_ascension: 5.612578415, declination: 23.32792913, distance: 1.015793056, altitude: 32.49686177, azimuth: 139.03313041 },
        moon: Seen { right_ascension: 5.831989954, declination: 27.66411574, distance: 0.002436986, altitude: 35.51075805, azimuth: 134.66079304 },
        lit: 0.0021120, phase: 3.096776 },
    // Antares
    Row { site: DEAD_SEA, at: "2099-12-31T23:59:59Z", orientation: [0.0, 0.0, 0.0], j2000: [16.4901276947, -26.43200261], of_date: [16.5924270014, -26.640799414],
        altitude: -31.856788849, azimuth: 103.789731896, pressure: 1067.8, observed: -31.718386128, sidereal: 9.0823214807,
        sun: Seen { right_ascension: 18.768827217, declination: -23.00523158, distance: 0.983357737, altitude: -58.15032236, azimuth: 83.23436030 },
        moon: Seen { right_ascension: 10.634579036, declination: 9.79757315, distance: 0.002484548, altitude: 58.88807345, azimuth: 130.08220575 },
        lit: 0.7745608, phase: 236.807400 },
    // Crab
    Row { site: QUITO, at: "1965-05-05T00:00:00Z", orientation: [0.0, 0.0, 0.0], j2000: [5.5755386667, 22.0145], of_date: [5.5401090340, 21.992336426],
        altitude: 26.637515900, azimuth: 294.768317022, pressure: 715.9, observed: 26.660404717, sidereal: 9.6123691361,
        sun: Seen { right_ascension: 2.788262247, declination: 16.12908147, distance: 1.008670371, altitude: -11.87018522, azimuth: 286.49134532 },
        moon: Seen { right_ascension: 6.059602562, declination: 24.95428141, distance: 0.002453237, altitude: 31.97076336, azimuth: 300.13293555 },
        lit: 0.1567432, phase: 46.525005 },
    // Sigma Octantis
    Row { site: SOUTH_POLE, at: "1955-11-11T11:11:11Z", orientation: [0.0, 0.0, 0.0], j2000: [21.1463446667, -88.9565], of_date: [20.3741809910, -89.123767442],
        altitude: 89.123767442, azimuth: 87.992472874, pressure: 717.2, observed: 89.123944294, sidereal: 14.5080161325,
        sun: Seen { right_ascension: 15.054865360, declination: -17.27685197, distance: 0.989999486, altitude: 17.27450265, azimuth: 8.20273849 },
        moon: Seen { right_ascension: 12.724281366, declination: -9.76217449, distance: 0.002625717, altitude: 8.84558395, azimuth: 333.24397897 },
        lit: 0.0896264, phase: 325.524119 },
];

#[rustfmt::skip]
pub(crate) const DE421: &[Jpl] = &[
    Jpl { at: "2026-11-21T20:15:00Z", sun: [15.82210440, -20.0489938, 147777086.4], moon: [1.23588482, 12.3874105, 372679.9] },
    Jpl { at: "2024-03-20T03:06:00Z", sun: [23.99998022, -0.0000140, 148979030.3], moon: [8.49448876, 24.1599586, 401248.4] },
    Jpl { at: "2017-01-01T00:00:00Z", sun: [18.77977401, -22.9990030, 147105264.6], moon: [20.91565231, -15.3364414, 391318.3] },
    Jpl { at: "2016-12-31T23:59:59.5Z", sun: [18.77977273, -22.9990044, 147105264.6], moon: [20.91563732, -15.3364846, 391318.3] },
    Jpl { at: "2010-07-15T12:34:56.789Z", sun: [7.65033412, 21.4892126, 152060310.3], moon: [10.91954884, 1.8355680, 364245.1] },
    Jpl { at: "2000-01-01T12:00:00Z", sun: [18.75189265, -23.0324301, 147103719.1], moon: [14.83014768, -10.9006537, 402416.7] },
    Jpl { at: "1999-12-31T23:59:59.999999Z", sun: [18.71507017, -23.0711222, 147104352.2], moon: [14.44463633, -8.9944157, 400897.3] },
    Jpl { at: "1995-04-05T06:07:08Z", sun: [0.92074489, 5.9085525, 149653177.0], moon: [4.76290283, 19.1544841, 404992.7] },
    Jpl { at: "1987-02-23T07:35:35Z", sun: [22.40212553, -9.9906798, 148010033.4], moon: [17.98372956, -28.4964247, 367031.6] },
    Jpl { at: "1979-06-01T18:00:00Z", sun: [4.60351251, 22.0430336, 151709596.7], moon: [9.96105388, 11.0108821, 404289.6] },
    Jpl { at: "1973-10-10T10:10:10Z", sun: [13.04231775, -6.6655526, 149358280.2], moon: [23.58353183, 2.7394195, 382841.0] },
    Jpl { at: "2005-09-09T21:00:00Z", sun: [11.21928953, 5.0292487, 150647269.1], moon: [15.60310699, -23.0478658, 383756.2] },
    Jpl { at: "2012-06-30T12:00:00Z", sun: [6.65986580, 23.1242926, 152087142.3], moon: [15.41376658, -19.6870974, 363496.8] },
    Jpl { at: "2013-01-15T04:00:00Z", sun: [19.80795822, -21.0976902, 147157826.5], moon: [22.64139374, -3.3168436, 377234.3] },
    Jpl { at: "2019-08-12T09:00:00Z", sun: [9.45361550, 15.0050858, 151603068.1], moon: [19.04795853, -22.3812490, 397965.2] },
    Jpl { at: "2021-12-21T15:59:00Z", sun: [17.99998435, -23.4374791, 147162398.2], moon: [7.99914614, 24.9726709, 402345.5] },
    Jpl { at: "2022-05-16T04:11:00Z", sun: [3.53038969, 19.0869638, 151236959.5], moon: [15.52401204, -19.3260522, 362131.6] },
    Jpl { at: "2023-10-14T18:00:00Z", sun: [13.30153415, -8.2436511, 149224898.8], moon: [13.31256244, -7.9404650, 397016.9] },
    Jpl { at: "2024-04-08T18:17:00Z", sun: [1.19356703, 7.5914108, 149823306.9], moon: [1.18242195, 7.8971107, 359802.7] },
    Jpl { at: "2025-02-28T00:00:01Z", sun: [22.74672405, -7.9533593, 148191014.1], moon: [22.76215015, -9.6390129, 364783.6] },
    Jpl { at: "2045-06-15T08:30:00Z", sun: [5.61257833, 23.3279300, 151960477.4], moon: [5.83204805, 27.6644145, 364570.6] },
    Jpl { at: "1965-05-05T00:00:00Z", sun: [2.78826215, 16.1290818, 150894936.9], moon: [6.05969402, 24.9542235, 366999.8] },
    Jpl { at: "1955-11-11T11:11:11Z", sun: [15.05486527, -17.2768520, 148101816.3], moon: [12.72428649, -9.7622963, 392803.3] },
];
