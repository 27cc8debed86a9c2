//! Tables of messages: what is read of each syntax, what is refused and where.

use crate::{Checksums, Elements, Form};

const JSON: &str = r#"[
 {
  "OBJECT_NAME": "HST", "OBJECT_ID": "1990-037B", "CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC",
  "MEAN_ELEMENT_THEORY": "SGP4", "EPOCH": "2021-08-22T16:38:31.244351", "MEAN_MOTION": 15.09709791, "ECCENTRICITY": 0.0002895,
  "INCLINATION": 28.4709, "RA_OF_ASC_NODE": 346.7686, "ARG_OF_PERICENTER": 58.60269999999999, "MEAN_ANOMALY": 49.6081,
  "EPHEMERIS_TYPE": 0, "CLASSIFICATION_TYPE": "U", "NORAD_CAT_ID": 20580, "ELEMENT_SET_NO": 999, "REV_AT_EPOCH": 52101,
  "BSTAR": 2.411e-05, "MEAN_MOTION_DOT": 5.8e-06, "MEAN_MOTION_DDOT": 0.0
 }
]"#;

const KVN: &str = "CCSDS_OMM_VERS = 2.0
COMMENT with units, as the standard has it
CREATION_DATE = 2021-08-23T00:00:00
ORIGINATOR = NOBODY

OBJECT_NAME = HST
OBJECT_ID = 1990-037B
CENTER_NAME = EARTH
REF_FRAME = TEME
TIME_SYSTEM = UTC
MEAN_ELEMENT_THEORY = SGP/SGP4
EPOCH = 2021-234T16:38:31.244351
MEAN_MOTION = 15.09709791 [rev/day]
ECCENTRICITY = 0.0002895
INCLINATION = 28.4709 [deg]
RA_OF_ASC_NODE = 346.7686 [deg]
ARG_OF_PERICENTER = 58.60269999999999[deg]
MEAN_ANOMALY = 49.6081 [deg]
GM = 398600.8 [km**3/s**2]
NORAD_CAT_ID = 20580
ELEMENT_SET_NO = 999
REV_AT_EPOCH = 52101
BSTAR = 0.2411E-4 [1/ER]
MEAN_MOTION_DOT = 0.0000058 [rev/day**2]
MEAN_MOTION_DDOT = 0 [rev/day**3]
USER_DEFINED_COLOUR = silver
";

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ndm xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="ndmxml-2.0.0-master-2.0.xsd">
<omm id="CCSDS_OMM_VERS" version="2.0"><header><CREATION_DATE/><ORIGINATOR/></header><body><segment>
<metadata><!-- the telescope --><OBJECT_NAME>H&#83;<![CDATA[T]]></OBJECT_NAME><OBJECT_ID>1990-037B</OBJECT_ID><CENTER_NAME>EARTH</CENTER_NAME>
<REF_FRAME>TEME</REF_FRAME><TIME_SYSTEM>UTC</TIME_SYSTEM><MEAN_ELEMENT_THEORY>SGP4</MEAN_ELEMENT_THEORY></metadata>
<data><meanElements><EPOCH>2021-08-22T16:38:31.244351</EPOCH><MEAN_MOTION units="rev/day">15.09709791</MEAN_MOTION>
<ECCENTRICITY>.0002895</ECCENTRICITY><INCLINATION>28.4709</INCLINATION><RA_OF_ASC_NODE>346.7686</RA_OF_ASC_NODE>
<ARG_OF_PERICENTER>58.60269999999999</ARG_OF_PERICENTER><MEAN_ANOMALY>
49.6081 </MEAN_ANOMALY></meanElements>
<tleParameters><EPHEMERIS_TYPE>0</EPHEMERIS_TYPE><CLASSIFICATION_TYPE>U</CLASSIFICATION_TYPE><NORAD_CAT_ID>20580</NORAD_CAT_ID>
<ELEMENT_SET_NO>999</ELEMENT_SET_NO><REV_AT_EPOCH>52101</REV_AT_EPOCH><BSTAR>.2411e-4</BSTAR>
<MEAN_MOTION_DOT>5.8E-6</MEAN_MOTION_DOT><MEAN_MOTION_DDOT>0</MEAN_MOTION_DDOT></tleParameters></data>
</segment></body></omm></ndm>
"#;

const CSV: &str =
    "OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,\
EPHEMERIS_TYPE,CLASSIFICATION_TYPE,NORAD_CAT_ID,ELEMENT_SET_NO,REV_AT_EPOCH,BSTAR,MEAN_MOTION_DOT,MEAN_MOTION_DDOT\r
\"HST\",1990-037B,2021-08-22T16:38:31.244351,15.09709791,0.0002895,28.4709,346.7686,58.60269999999999,49.6081,\
0,U,20580,999,52101,2.411e-05,5.8e-06,0\r
";

fn hubble() -> Elements {
    let text = "HST\n1 20580U 90037B   21234.69340560  .00000580  00000-0  24110-4 0  9990\n\
        2 20580  28.4709 346.7686 0002895  58.6027  49.6081 15.09709791521010";
    let set = Form::Tle.read(text, Checksums::Ignored).remove(0).unwrap();
    let angle = crate::Angle::degrees(58.602_699_999_999_99);
    Elements { epoch: "2021-08-22T16:38:31.244351Z".parse().unwrap(), argument_of_perigee: angle, ..set }
}

#[test]
fn one_satellite_in_every_syntax() {
    let check = |form: Form, text: &str, count: usize| {
        assert_eq!(Form::of(text), Ok(form));
        assert_eq!(Elements::read(text), Ok(vec![hubble(); count]), "{text}");
    };
    check(Form::OmmJson, JSON, 1);
    check(Form::OmmJson, JSON.trim_matches(['[', ']', '\n']), 1);
    check(Form::OmmJson, &JSON.trim_matches(['[', ']', '\n']).repeat(2), 2);
    check(Form::OmmJson, &JSON.replace("20580", "\"20580\"").replace("15.09709791", "\"15.09709791\""), 1);
    check(Form::OmmJson, &JSON.replace("\"CENTER_NAME\": \"EARTH\"", "\"CENTER_NAME\": null, \"X\": [{}]"), 1);
    check(Form::OmmJson, "[]", 0);
    check(Form::OmmKvn, KVN, 1);
    check(Form::OmmKvn, &KVN.repeat(3), 3);
    check(Form::OmmKvn, &KVN.replace("CCSDS_OMM_VERS = 2.0\n", "").repeat(2).replace('\n', "\r\n"), 2);
    check(Form::OmmXml, XML, 1);
    check(Form::OmmXml, &XML.replace("<omm", "<n:omm").replace("</omm", "</n:omm"), 1);
    check(Form::OmmCsv, CSV, 1);
    check(Form::OmmCsv, &CSV.replace('\r', ""), 1);
}

/// Every error names the line, the column and the keyword, and says what would do.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    let check = |text: &str, from: &str, to: &str, expected: &str| {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from:?} is not there");
        assert_eq!(Elements::read(&broken).unwrap_err().to_string(), expected);
    };
    check(JSON, "15.09709791", "\"fast\"", "line 4, column 88: MEAN_MOTION \"fast\": a number is expected");
    check(JSON, "\"EPOCH\"", "\"EPOC\"", "line 2, column 2: EPOCH is missing: SGP4 needs it");
    check(
        JSON,
        "346.7686",
        "1346.7686",
        "line 5, column 45: RA_OF_ASC_NODE \"1346.7686\": degrees from -360 to 360 is expected",
    );
    check(
        JSON,
        "\"SGP4\"",
        "\"DSST\"",
        "line 4, column 26: MEAN_ELEMENT_THEORY \"DSST\" is not supported: only SGP4 is",
    );
    check(
        JSON,
        "_TYPE\": 0",
        "_TYPE\": 4",
        "line 6, column 21: EPHEMERIS_TYPE \"4\" is not supported: only SGP4 (not SGP4-XP) is",
    );
    check(JSON, "\"HST\"", "[1]", "line 3, column 18: OBJECT_NAME is [1]: a text or a number is expected");
    check(JSON, "[\n", "[7,\n", "line 1, column 2: item \"7\": an object with the keywords of an OMM is expected");
    let json = "line 9, column 1: broken JSON, EOF while parsing a list: give an array of objects, or one object after the other";
    check(JSON, " }\n]", " }\n", json);
    check(
        KVN,
        "28.4709 [deg]",
        "28.47o9 [deg]",
        "line 15, column 15: INCLINATION \"28.47o9 [deg]\": a number is expected",
    );
    check(KVN, "0.0002895", "1.0", "line 14, column 16: ECCENTRICITY \"1.0\": a number from 0 to below 1 is expected");
    check(KVN, "BSTAR = ", "BTERM = ", "line 1, column 1: BSTAR is missing: SGP4 needs it");
    check(
        KVN,
        "TIME_SYSTEM = UTC",
        "TIME_SYSTEM = TAI",
        "line 10, column 15: TIME_SYSTEM \"TAI\" is not supported: only UTC is",
    );
    check(KVN, "GM = ", "BSTAR = ", "line 23, column 9: BSTAR is given twice: keep one");
    check(
        KVN,
        "GM = ",
        "  GM: ",
        "line 19, column 3: \"GM: 398600.8 [km**3/s**2]\" has no `=`: each line is KEY = value or COMMENT",
    );
    let axis = "line 13, column 19: SEMI_MAJOR_AXIS \"6900\" is not supported: only MEAN_MOTION, as SGP4 has it, is";
    check(KVN, "MEAN_MOTION = 15.09709791 [rev/day]", "SEMI_MAJOR_AXIS = 6900", axis);
    check(
        XML,
        "20580",
        "2058O",
        "line 10, column 108: NORAD_CAT_ID \"2058O\": a number of up to nine digits is expected",
    );
    check(XML, "&#83;", "&sigma;", "line 4, column 47: an entity that XML does not define: write the character itself");
    check(
        XML,
        "</segment></body></omm></ndm>",
        "",
        "line 14, column 1: the text ends within a message: give `omm` messages, alone or within `ndm`",
    );
    check(
        CSV,
        "1990-037B,",
        "",
        "line 2, column 1: the line has 16 values where the first line has 17 keywords: add or remove commas",
    );
    check(
        CSV,
        "31.244351",
        "61.244351",
        "line 2, column 17: EPOCH \"2021-08-22T16:38:61.244351\": UTC as 2021-08-22T16:38:31.244351 or 2021-234T16:38:31.244351 is expected",
    );
    check(CSV, "\"HST\"", "\"HST", "line 2, column 1: the quote is not closed: write quotes within a value twice");
    check(
        CSV,
        "\"HST\"",
        "\"HST\"x",
        "line 2, column 6: text after a closing quote: write quotes within a value twice",
    );
    check(CSV, ",MEAN_MOTION,", ",OBJECT_NAME,", "line 2, column 44: OBJECT_NAME is given twice: keep one");
}

#[test]
fn one_broken_set_does_not_hide_the_others() {
    let check = |text: &str, expected: &[bool]| {
        let sets = Form::of(text).unwrap().read(text, Checksums::Verified);
        assert_eq!(sets.iter().map(Result::is_ok).collect::<Vec<_>>(), expected, "{text}");
    };
    let object = JSON.trim_matches(['[', ']', '\n']);
    check(&format!("[{}, 5, {object}]", object.replace("EPOCH", "X")), &[false, false, true]);
    check(&format!("{}{KVN}", KVN.replace("BSTAR = ", "BSTAR ")), &[false, true]);
    check(&format!("{KVN}{}{KVN}", KVN.replace("BSTAR", "X")), &[true, false, true]);
    let line = CSV.lines().nth(1).unwrap();
    check(&format!("{}{line}\n", CSV.replace("HST\",", "HST\",,")), &[false, true]);
    let message = XML
        .split("<ndm")
        .nth(1)
        .and_then(|rest| rest.split_once('\n'))
        .unwrap()
        .1
        .trim()
        .strip_suffix("</ndm>")
        .unwrap();
    check(&format!("<ndm>{}{message}</ndm>", message.replace("20580", "")), &[false, true]);
}
