//! What is asked of a Prometheus: the answer to a question, and a snapshot of its data. See "HTTP API" in its documentation.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::failure::{Failure, Reason};

/// How long a snapshot may take; the newest hours are written out for it.
const SNAPSHOT: Duration = Duration::from_secs(600);

/// A series of an instant answer: its labels, and when its value was what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Series {
    /// Its labels.
    pub metric: serde_json::Map<String, Value>,
    /// Seconds since 1970, and the value as text.
    pub value: (f64, String),
}

/// What Prometheus answers to a question now, as series.
///
/// # Errors
/// Where it does not answer, or does not understand the question.
pub async fn query(http: &reqwest::Client, prometheus: &str, question: &str) -> Result<Vec<Series>, Failure> {
    #[derive(Deserialize)]
    struct Found {
        result: Vec<Series>,
    }
    let request = http.get(format!("{prometheus}/api/v1/query")).query(&[("query", question)]);
    match asked::<Found>(request).await {
        Ok(found) => Ok(found.result),
        Err(Unanswered::Away(error)) => {
            Err(Failure::new(Reason::Unavailable, format!("Prometheus at {prometheus} does not answer: {error}")))
        }
        Err(Unanswered::Refused(said)) => {
            Err(Failure::new(Reason::Defect, format!("`{question}` was not answered: {said}")))
        }
    }
}

/// Makes a snapshot ("TSDB Admin APIs"): its name, which is that of a folder below `snapshots` of its data.
///
/// # Errors
/// Where it does not answer, or may not make any.
pub async fn snapshot(http: &reqwest::Client, prometheus: &str) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Made {
        name: String,
    }
    let request = http.post(format!("{prometheus}/api/v1/admin/tsdb/snapshot")).timeout(SNAPSHOT);
    let none = |why: &dyn std::fmt::Display, hint: &str| {
        Failure::new(Reason::Unavailable, format!("Prometheus at {prometheus} makes no snapshot: {why}")).hint(hint)
    };
    match asked::<Made>(request).await {
        // The name becomes part of a path.
        Ok(made) if made.name.is_empty() || made.name.contains(['/', '.']) => {
            Err(none(&format!("{:?} is no name of one", made.name), "see what listens there"))
        }
        Ok(made) => Ok(made.name),
        Err(Unanswered::Away(error)) => Err(none(&error, "`observatory status` shows how it is")),
        Err(Unanswered::Refused(said)) => Err(none(&said, "`observatory up` starts it with the flag that lets it")),
    }
}

/// Why there is no answer.
enum Unanswered {
    /// Nobody is there, or it is not a Prometheus.
    Away(reqwest::Error),
    /// It says what is wrong.
    Refused(String),
}

/// The envelope of every answer. One with an error may have data as well, which is then not all of it.
#[derive(Deserialize)]
struct Answer<T> {
    error: Option<String>,
    data: Option<T>,
}

impl<T> Answer<T> {
    fn told(self) -> Result<T, String> {
        match self {
            Self { data: Some(data), error: None } => Ok(data),
            Self { error, .. } => Err(error.unwrap_or_else(|| "neither data nor an error".to_owned())),
        }
    }
}

async fn asked<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Unanswered> {
    let answer = request.send().await.map_err(Unanswered::Away)?;
    let answer: Answer<T> = answer.json().await.map_err(Unanswered::Away)?;
    answer.told().map_err(Unanswered::Refused)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_data_or_says_what_is_wrong() {
        let told = |answer: Value| serde_json::from_value::<Answer<u8>>(answer).unwrap().told();
        for (answer, expected) in [
            (json!({ "status": "success", "data": 7 }), Ok(7)),
            (json!({ "status": "success", "data": 7, "warnings": ["slow"] }), Ok(7)),
            (json!({ "status": "error", "errorType": "bad_data", "error": "no such metric" }), Err("no such metric")),
            (json!({ "status": "error", "error": "half of it", "data": 7 }), Err("half of it")),
            (json!({}), Err("neither data nor an error")),
        ] {
            assert_eq!(told(answer.clone()), expected.map_err(str::to_owned), "{answer}");
        }
    }
}
