//! Asks a Prometheus for one number.
//!
//! An answer is exactly one finite number. No series, several, NaN (0/0: no traffic) and infinity (x/0) are none, and so is
//! whatever Prometheus refuses: none of these ever counts as a good answer.

use form_urlencoded::Serializer;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tidegate_core::check::Answer;
use tidegate_core::model::Figure;
use tidegate_core::time::Millis;

use super::Fetched;

/// Of an error of Prometheus's so much is told, in characters.
const LONGEST_ERROR: usize = 200;

/// Where to ask.
pub(in crate::engine) fn query_url(base: &str, query: &str, within: Millis) -> String {
    let mut pairs = Serializer::new(String::new());
    pairs.append_pair("query", query).append_pair("timeout", &format!("{}ms", within.0));
    format!("{}/api/v1/query?{}", base.trim_end_matches('/'), pairs.finish())
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Series>),
    Scalar(Sample),
    Matrix(IgnoredAny),
    String(IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    /// A native histogram has none.
    value: Option<Sample>,
}

/// A time and the number as text.
#[derive(Deserialize)]
struct Sample(IgnoredAny, String);

/// What its answer says.
pub(in crate::engine) fn answer_of(fetched: &Fetched) -> Answer {
    match number_of(fetched) {
        Ok(number) => Answer::Number(number),
        Err(why) => Answer::None(why),
    }
}

fn number_of(fetched: &Fetched) -> Result<Figure, String> {
    let said = serde_json::from_str::<Said>(&fetched.body);
    let Said { error, data } =
        said.map_err(|_| format!("status {}, and no answer of a Prometheus", fetched.status))?;
    if fetched.status != 200 || !error.is_empty() {
        let error: String = error.chars().take(LONGEST_ERROR).collect();
        return Err(format!("Prometheus says, with status {}: {error}", fetched.status));
    }
    let sample = match data.ok_or("Prometheus answered nothing")? {
        Data::Scalar(sample) => sample,
        Data::Vector(mut series) => match (series.pop(), series.len()) {
            (None, _) => return Err("no data: the query finds no series".to_owned()),
            (Some(Series { value: Some(sample) }), 0) => sample,
            (Some(Series { value: None }), 0) => {
                return Err("the query gives a histogram, not a number".to_owned());
            }
            (Some(_), others) => {
                return Err(format!("the query gives {} series, not one number: sum them up", others + 1));
            }
        },
        Data::Matrix(_) | Data::String(_) => return Err("the query gives no number".to_owned()),
    };
    finite(&sample.1)
}

fn finite(text: &str) -> Result<Figure, String> {
    let number: f64 = text.parse().map_err(|_| "the query gives no number".to_owned())?;
    let nan = if number.is_nan() { "no data: the query gives NaN, as 0/0 does" } else { "" };
    Figure::new(number).ok_or_else(|| match nan {
        "" => "no data: the query gives infinity, as x/0 does".to_owned(),
        nan => nan.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<f64, String> {
        number_of(&Fetched { status, body: body.to_owned() }).map(Figure::get)
    }

    fn vector(inside: &str) -> Result<f64, String> {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{inside}]}}}}"#);
        answer(200, &body)
    }

    #[test]
    fn an_answer_is_one_finite_number() {
        assert_eq!(vector(r#"{"metric":{"a":"b"},"value":[1769.5,"0.031"]}"#), Ok(0.031));
        let scalar =
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2e-05"]},"warnings":["x"]}"#;
        assert_eq!(answer(200, scalar), Ok(0.000_02));
    }

    #[test]
    fn anything_else_is_no_data() {
        assert_eq!(vector("").unwrap_err(), "no data: the query finds no series");
        for (number, why) in [("NaN", "NaN"), ("+Inf", "infinity"), ("-Inf", "infinity"), ("x", "no number")]
        {
            let error = vector(&format!(r#"{{"metric":{{}},"value":[1,"{number}"]}}"#)).unwrap_err();
            assert!(error.contains(why), "{number}: {error}");
        }
        let one = r#"{"metric":{},"value":[1,"1"]}"#;
        let two = vector(&format!("{one},{one}")).unwrap_err();
        assert_eq!(two, "the query gives 2 series, not one number: sum them up");
        assert!(vector(r#"{"metric":{},"histogram":[1,{"count":"1"}]}"#).unwrap_err().contains("histogram"));
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert!(answer(200, matrix).unwrap_err().contains("no number"));
    }

    #[test]
    fn what_prometheus_refuses_is_told() {
        let refused = r#"{"status":"error","errorType":"bad_data","error":"1:4: parse error"}"#;
        assert_eq!(answer(400, refused).unwrap_err(), "Prometheus says, with status 400: 1:4: parse error");
        assert!(answer(200, refused).is_err() && answer(502, "<html>").unwrap_err().contains("502"));
        assert!(answer(200, "{}").is_err());
    }

    #[test]
    fn a_query_is_a_part_of_a_url() {
        let url = query_url("http://127.0.0.1:9090/prom/", "a{b=\"c d\"} / 2", Millis(1_500));
        let query = "query=a%7Bb%3D%22c+d%22%7D+%2F+2&timeout=1500ms";
        assert_eq!(url, format!("http://127.0.0.1:9090/prom/api/v1/query?{query}"));
    }
}
