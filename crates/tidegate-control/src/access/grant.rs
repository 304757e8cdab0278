//! Giving and taking roles. Whether the caller may was asked before; here is what nobody may: leave nobody who could give them again.

use std::collections::BTreeMap;

use tidegate_core::access::{
    Action, Binding, Caller, Ceiling, Holder, Place, Who, is_the_last_administrator,
};
use tidegate_core::event::Event;
use tidegate_core::view::{AccessList, BindingChanged, BindingView, RoleView};
use tidegate_policy::Policies;
use tidegate_store::{Reader, Store, StoreError, Tx};

use super::Given;
use super::judge::Bench;
use super::membership::Membership;
use crate::answer::{rfc3339, store_trouble};
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};

/// The most roles that are given.
const MOST: usize = 10_000;

/// Gives a role.
pub(super) fn grant(
    store: &mut Store,
    time: Time,
    caller: &Caller,
    given: &Given,
) -> Result<BindingChanged, Refusal> {
    let known = store.role_bindings().map_err(store_trouble)?;
    let binding = binding(given, caller, time);
    if let Some(same) = known.iter().find(|known| known.is_the_same(&binding)) {
        return Ok(BindingChanged { changed: false, binding: view(same) });
    }
    if known.len() >= MOST {
        let message = format!("{MOST} roles are given already");
        return Err(Refusal::new(RefusalKind::Conflict, "access::many", message)
            .help("`tidegate access revoke WHO ROLE` makes room"));
    }
    write(store, time, &binding, ("access.granted", "has", caller), |tx| tx.add_role_binding(&binding))?;
    Ok(BindingChanged { changed: true, binding: view(&binding) })
}

/// Takes a role.
pub(super) fn revoke(
    store: &mut Store,
    time: Time,
    caller: &Caller,
    given: &Given,
) -> Result<BindingChanged, Refusal> {
    let known = store.role_bindings().map_err(store_trouble)?;
    let asked = binding(given, caller, time);
    let Some(held) = known.iter().find(|known| known.is_the_same(&asked)) else {
        return Ok(BindingChanged { changed: false, binding: view(&asked) });
    };
    // The owner can give it again by the socket; nobody else could.
    if caller.who != Who::Owner && is_the_last_administrator(&known, held) {
        let message = format!("{} is the last administrator", held.holder);
        return Err(Refusal::new(RefusalKind::Conflict, "access::last-admin", message)
            .help("make somebody else one first: `tidegate access grant WHO admin`"));
    }
    write(store, time, held, ("access.revoked", "no longer has", caller), |tx| tx.drop_role_binding(held))?;
    Ok(BindingChanged { changed: true, binding: view(held) })
}

/// The roles that a caller may manage, and their own.
pub(super) fn list(
    store: &Reader,
    policies: &Policies,
    (caller, ceiling): (&Caller, &Ceiling),
) -> Result<AccessList, Refusal> {
    let bench = Bench::of(store, policies, (caller, ceiling))?;
    let own = Holder::of(&caller.who);
    let (mut bindings, mut managed) = (Vec::new(), BTreeMap::new());
    for known in store.role_bindings().map_err(store_trouble)? {
        // There are many roles, and few places.
        let manages = match managed.get(&known.place) {
            Some(manages) => *manages,
            None => bench.may(Action::ManageAccess, &known.place)?,
        };
        if manages || own.as_ref() == Some(&known.holder) || bench.holds(&known) {
            bindings.push(view(&known));
        }
        managed.insert(known.place, manages);
    }
    Ok(AccessList { bindings })
}

/// The roles of somebody, for themselves.
pub(crate) fn of(store: &Reader, who: &Who) -> Result<Vec<RoleView>, Refusal> {
    let Some(holder) = Holder::of(who) else { return Ok(Vec::new()) };
    let mut own = store.role_bindings_of(&holder).map_err(store_trouble)?;
    let groups = Membership::of(store, who).and_then(|groups| groups.roles(store)).map_err(store_trouble)?;
    own.extend(groups);
    let seen = |binding: &Binding| RoleView {
        role: binding.role,
        app: binding.place.app().map(ToString::to_string),
        environment: binding.place.environment().map(ToString::to_string),
    };
    Ok(own.iter().map(seen).collect())
}

fn binding(given: &Given, caller: &Caller, time: Time) -> Binding {
    Binding {
        holder: given.holder.clone(),
        role: given.role,
        place: given.place.clone(),
        by: caller.who.to_string(),
        made_at_unix_ms: time.unix_ms,
    }
}

fn view(binding: &Binding) -> BindingView {
    BindingView {
        who: binding.holder.clone(),
        role: binding.role,
        place: binding.place.clone(),
        by: binding.by.clone(),
        at: rfc3339(binding.made_at_unix_ms),
    }
}

/// The change and its event, or neither.
fn write(
    store: &mut Store,
    time: Time,
    binding: &Binding,
    (kind, word, caller): (&str, &str, &Caller),
    change: impl FnOnce(&Tx<'_>) -> Result<bool, StoreError>,
) -> Result<(), Refusal> {
    let Binding { holder, role, place, .. } = binding;
    let at = if *place == Place::Everywhere { place.to_string() } else { format!("in {place}") };
    let message = format!("{holder} {word} the role {role} {at}, by {}", caller.who);
    let event = match place {
        Place::Everywhere => Event::platform(kind, message),
        Place::App(app) => Event::of_app(app.as_str(), kind, message),
        Place::Environment(app, environment) => {
            Event::about(app.as_str(), environment.as_str(), kind, message)
        }
    };
    let written = store.transaction(|tx| {
        change(tx)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)
}
