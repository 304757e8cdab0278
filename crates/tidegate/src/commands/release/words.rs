//! What was typed after `release`: shares, moments, and words whose order is free.

use tidegate_core::model::{FlagKey, Millionths, UserKey};
use tidegate_core::release::{Order, Timed, moment};

use crate::failure::Failure;

/// What the words mean.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Which flag.
    pub flag: FlagKey,
    /// What of it.
    pub order: Order,
    /// Whether `guard` was said.
    pub guard: bool,
}

impl Said {
    /// `FLAG [guard]`.
    pub fn of_on(mut words: Vec<String>) -> Result<Self, Failure> {
        let guard = takes_guard(&mut words);
        let [flag] = <[String; 1]>::try_from(words)
            .map_err(|words| wrong(&format!("`on` takes a flag and `guard`, not `{}`", words.join(" "))))?;
        Ok(Said { flag: key(&flag)?, order: Order::On, guard })
    }

    /// `PERCENT FLAG`, `FLAG PERCENT` or `VARIANT FLAG`, then `[by ATTRIBUTE] [guard]`.
    pub fn of_to(
        mut words: Vec<String>,
        variant: Option<String>,
        by: Option<String>,
    ) -> Result<Self, Failure> {
        let guard = takes_guard(&mut words);
        let by = by.or(takes_by(&mut words));
        let [first, second] = <[String; 2]>::try_from(words).map_err(|words| {
            wrong(&format!("`to` takes a share or a variant and a flag, not `{}`", words.join(" ")))
        })?;
        let (what, flag) = if second.ends_with('%') { (second, first) } else { (first, second) };
        let order = match percent(&what) {
            Ok(of) => Order::Share { of, variant, by },
            Err(why) if what.ends_with('%') => return Err(wrong(&why)),
            Err(_) if variant.is_none() && by.is_none() => Order::Variant(what),
            Err(_) => return Err(wrong("`--variant` and `by` go with a share, like 25%")),
        };
        Ok(Said { flag: key(&flag)?, order, guard })
    }
}

/// Removes a last `guard`, where something else is there as well.
fn takes_guard(words: &mut Vec<String>) -> bool {
    let said = words.len() > 1 && words.last().is_some_and(|last| last == "guard");
    if said {
        words.pop();
    }
    said
}

/// Removes `by ATTRIBUTE`.
fn takes_by(words: &mut Vec<String>) -> Option<String> {
    let at = words.iter().position(|word| word == "by").filter(|at| at + 1 < words.len())?;
    let by = words.remove(at + 1);
    words.remove(at);
    Some(by)
}

/// `2030-12-01T09:00:00Z=25%`.
pub fn timed(text: &str) -> Result<Timed, Failure> {
    let shape = || wrong(&format!("`{text}` is no MOMENT=WHAT, like 2030-12-01T09:00:00Z=25%"));
    let (at, what) = text.split_once('=').ok_or_else(shape)?;
    let from_unix_ms = moment(at).ok_or_else(shape)?;
    let order = match what {
        "on" => Order::On,
        "off" => Order::Off,
        "" => return Err(shape()),
        share if share.ends_with('%') => {
            let of = percent(share).map_err(|why| wrong(&why))?;
            Order::Share { of, variant: None, by: None }
        }
        variant => Order::Variant(variant.to_owned()),
    };
    Ok(Timed { from_unix_ms, order })
}

/// `25%`, `0.5%`: up to four places.
pub fn percent(text: &str) -> Result<Millionths, String> {
    let shape =
        || format!("`{text}` is no share: one is 25% or 0.5%, from 0% to 100%, with at most four decimals");
    let number = text.strip_suffix('%').ok_or_else(shape)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 3 || part.len() > 4 {
        return Err(shape());
    }
    let millionths: u32 = format!("{whole}{part:0<4}").parse().map_err(|_| shape())?;
    if millionths <= 1_000_000 { Ok(Millionths(millionths)) } else { Err(shape()) }
}

/// `cookie:sid`, `header:x-user-id`, `claim:sub`.
pub fn user_key(text: &str) -> Result<UserKey, String> {
    text.parse()
}

fn key(text: &str) -> Result<FlagKey, Failure> {
    text.parse().map_err(|error| wrong(&format!("`{text}` cannot be a flag: {error}")))
}

fn wrong(message: &str) -> Failure {
    Failure::mistake(message, "`tidegate release --help` has examples")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(words: &str) -> Result<Said, String> {
        let words = words.split(' ').map(str::to_owned).collect();
        Said::of_to(words, None, None).map_err(|failure| format!("{failure:?}"))
    }

    fn share(of: u32, by: Option<&str>) -> Order {
        Order::Share { of: Millionths(of), variant: None, by: by.map(str::to_owned) }
    }

    #[test]
    fn words_come_in_any_order() {
        for (words, order, guard) in [
            ("25% new-cart", share(250_000, None), false),
            ("new-cart 25%", share(250_000, None), false),
            ("new-cart 0.5% by user.id", share(5_000, Some("user.id")), false),
            ("by user.id 25% new-cart guard", share(250_000, Some("user.id")), true),
            ("green new-cart", Order::Variant("green".to_owned()), false),
        ] {
            let said = to(words).unwrap();
            assert_eq!((said.order, said.guard, said.flag.as_str()), (order, guard, "new-cart"), "{words}");
        }
        for wrong in
            ["new-cart", "25% a b", "101% new-cart", "25% new-cart by", "red new-cart by org", "1% a/b"]
        {
            assert!(to(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_may_be_called_guard() {
        assert_eq!(Said::of_on(vec!["guard".to_owned()]).unwrap().flag.as_str(), "guard");
    }

    #[test]
    fn shares_have_up_to_four_decimals() {
        for (text, of) in [("0%", 0), ("100%", 1_000_000), ("0.0001%", 1), ("12.5%", 125_000)] {
            assert_eq!(percent(text), Ok(Millionths(of)), "{text}");
        }
        for bad in ["", "%", "25", "-1%", "100.0001%", "1.00001%", ".5%", "5.%", "1e1%", "9999%"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_has_an_offset() {
        let at = timed("2030-12-01T09:00:00+01:00=25%").unwrap();
        assert_eq!((at.from_unix_ms, at.order), (1_922_342_400_000, share(250_000, None)));
        for bad in
            ["25%", "tomorrow=on", "2030-12-01T09:00:00Z=", "2030-12-01=on", "2030-12-01T09:00:00Z=200%"]
        {
            assert!(timed(bad).is_err(), "{bad}");
        }
    }
}
