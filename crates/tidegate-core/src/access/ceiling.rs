//! The most that something lets anybody do who was let in by it, whatever they may do otherwise.

use super::{Place, Reach, Role};

/// See the module. The default takes nothing away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Where it opens anything.
    pub reach: Reach,
    /// The most it gives; `None`: what they have.
    pub most: Option<Role>,
}

impl Ceiling {
    /// Whether it takes something away.
    pub fn is_low(&self) -> bool {
        self.most.is_some_and(|most| most != Role::Admin) || !self.reach.is_everywhere()
    }

    /// Whether a place is within its reach.
    pub fn covers(&self, place: &Place) -> bool {
        self.reach.covers(place.app().map(|app| app.as_str()), place.environment().map(|name| name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_within_a_reach_as_a_whole_or_not() {
        let shop =
            Ceiling { reach: Reach { app: Some("shop".parse().unwrap()), environment: None }, most: None };
        let at = |place: &str| shop.covers(&place.parse().unwrap());
        assert!(at("shop") && at("shop/qa") && !at("*") && !at("blog") && !at("blog/qa"));
        assert!(
            shop.is_low() && !Ceiling::default().is_low() && Ceiling::default().covers(&Place::Everywhere)
        );
        assert!(Ceiling { most: Some(Role::Reader), ..Ceiling::default() }.is_low());
        assert!(!Ceiling { most: Some(Role::Admin), ..Ceiling::default() }.is_low());
    }
}
