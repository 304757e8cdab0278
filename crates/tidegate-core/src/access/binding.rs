//! That somebody has a role in a place, and which roles count where.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Holder, Place, Role};

/// A role of somebody in a place, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Who has it.
    pub holder: Holder,
    /// Which.
    pub role: Role,
    /// Where.
    pub place: Place,
    /// Who gave it, as timelines write them.
    pub by: String,
    /// When: milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
}

impl Binding {
    /// Whether it is of an administrator of everything who is a person. A token or a group may be gone tomorrow by what others do.
    pub fn is_of_an_administrator(&self) -> bool {
        let person = matches!(self.holder, Holder::User(_));
        person && self.role == Role::Admin && self.place == Place::Everywhere
    }

    /// Whether it is the same role of the same holder in the same place.
    pub fn is_the_same(&self, other: &Binding) -> bool {
        (&self.holder, self.role, &self.place) == (&other.holder, other.role, &other.place)
    }
}

/// The roles that count at a place.
pub fn roles_at<'b>(bindings: impl IntoIterator<Item = &'b Binding>, place: &Place) -> BTreeSet<Role> {
    bindings.into_iter().filter(|binding| binding.place.covers(place)).map(|binding| binding.role).collect()
}

/// Whether no administrator is left without this one of them.
pub fn is_the_last_administrator(bindings: &[Binding], leaving: &Binding) -> bool {
    let others = bindings.iter().filter(|binding| !binding.is_the_same(leaving));
    leaving.is_of_an_administrator() && !others.into_iter().any(Binding::is_of_an_administrator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(holder: &str, role: Role, place: &str) -> Binding {
        let (holder, place) = (holder.parse().unwrap(), place.parse().unwrap());
        Binding { holder, role, place, by: "owner".to_owned(), made_at_unix_ms: 0 }
    }

    #[test]
    fn roles_count_in_their_place_and_within_it() {
        let all = [
            binding("ann", Role::Reader, "*"),
            binding("ann", Role::Developer, "shop"),
            binding("ann", Role::Operator, "shop/staging"),
        ];
        let at = |place: &str| roles_at(&all, &place.parse().unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(at("*"), [Role::Reader]);
        assert_eq!(at("billing/production"), [Role::Reader]);
        assert_eq!(at("shop/production"), [Role::Reader, Role::Developer]);
        assert_eq!(at("shop/staging"), [Role::Reader, Role::Developer, Role::Operator]);
    }

    #[test]
    fn the_last_administrator_is_a_person_who_may_do_everything() {
        let ann = binding("ann", Role::Admin, "*");
        let others = [
            binding("token:ci", Role::Admin, "*"),
            binding("group:ops", Role::Admin, "*"),
            binding("bob", Role::Admin, "shop"),
            binding("bob", Role::Operator, "*"),
        ];
        let mut all = vec![ann.clone()];
        all.extend(others.iter().cloned());
        assert!(is_the_last_administrator(&all, &ann));
        assert!(others.iter().all(|other| !is_the_last_administrator(&all, other)));
        all.push(binding("eve", Role::Admin, "*"));
        assert!(!is_the_last_administrator(&all, &ann));
    }
}
