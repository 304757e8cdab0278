//! A question as Cedar has it: who, what, where and the little world around them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use tidegate_core::access::{Origin, Place, Question, Role, Who};

/// The kinds of entities, as the schema has them.
struct Kinds {
    action: EntityTypeName,
    role: EntityTypeName,
    group: EntityTypeName,
    user: EntityTypeName,
    service: EntityTypeName,
    installation: EntityTypeName,
    app: EntityTypeName,
    environment: EntityTypeName,
}

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let kind = |name: &str| name.parse().expect("a word is the name of a type");
    Kinds {
        action: kind("Action"),
        role: kind("Role"),
        group: kind("Group"),
        user: kind("User"),
        service: kind("Service"),
        installation: kind("Installation"),
        app: kind("App"),
        environment: kind("Environment"),
    }
});

/// The roles and what they include: the same for every question.
static ROLES: LazyLock<Vec<Entity>> = LazyLock::new(|| {
    let role = |role: Role| {
        let parents = includes(role).iter().map(|included| uid(&KINDS.role, included.name())).collect();
        Entity::new_no_attrs(uid(&KINDS.role, role.name()), parents)
    };
    Role::ALL.into_iter().map(role).collect()
});

/// What a role includes besides what policies say of it alone.
fn includes(role: Role) -> &'static [Role] {
    match role {
        Role::Reader => &[],
        Role::Developer | Role::Releaser | Role::Operator => &[Role::Reader],
        Role::Admin => &[Role::Reader, Role::Developer, Role::Releaser, Role::Operator],
    }
}

/// The request, and all entities it speaks of.
///
/// # Errors
/// What Cedar says where it takes one of them not.
pub(crate) fn of(question: &Question) -> Result<(Request, Entities), String> {
    let mut entities = ROLES.clone();
    let principal = principal(question, &mut entities)?;
    let resource = resource(question, &mut entities)?;
    let context = context(question)?;
    let action = uid(&KINDS.action, question.action.name());
    let request =
        Request::new(principal, action, resource, context, None).map_err(|error| error.to_string())?;
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

type Attributes<'a> = &'a [(&'a str, Attribute<'a>)];

/// A value of an attribute.
enum Attribute<'a> {
    Text(&'a str),
    Flag(bool),
}

fn entity(
    kind: &EntityTypeName,
    id: &str,
    attributes: Attributes<'_>,
    parents: HashSet<EntityUid>,
) -> Result<Entity, String> {
    let value = |attribute: &Attribute<'_>| match attribute {
        Attribute::Text(text) => RestrictedExpression::new_string((*text).to_owned()),
        Attribute::Flag(flag) => RestrictedExpression::new_bool(*flag),
    };
    let attributes: HashMap<String, RestrictedExpression> =
        attributes.iter().map(|(name, attribute)| ((*name).to_owned(), value(attribute))).collect();
    Entity::new(uid(kind, id), attributes, parents).map_err(|error| error.to_string())
}

fn principal(question: &Question, entities: &mut Vec<Entity>) -> Result<EntityUid, String> {
    let mut parents: HashSet<EntityUid> =
        question.roles.iter().map(|role| uid(&KINDS.role, role.name())).collect();
    for group in &question.groups {
        let group = uid(&KINDS.group, group);
        entities.push(Entity::new_no_attrs(group.clone(), HashSet::new()));
        parents.insert(group);
    }
    let (kind, name) = match &question.who {
        Who::User { name, .. } => (&KINDS.user, name),
        Who::Service { token } => (&KINDS.service, token),
        Who::Owner | Who::Stranger => return Err("no policy is about them".to_owned()),
    };
    entities.push(entity(kind, name.as_str(), &[("name", Attribute::Text(name.as_str()))], parents)?);
    Ok(uid(kind, name.as_str()))
}

fn resource(question: &Question, entities: &mut Vec<Entity>) -> Result<EntityUid, String> {
    let everything = uid(&KINDS.installation, "tidegate");
    entities.push(Entity::new_no_attrs(everything.clone(), HashSet::new()));
    let Some(app) = question.place.app() else { return Ok(everything) };
    let name = [("name", Attribute::Text(app.as_str()))];
    let of_app = uid(&KINDS.app, app.as_str());
    entities.push(entity(&KINDS.app, app.as_str(), &name, HashSet::from([everything]))?);
    let Place::Environment(_, environment) = &question.place else { return Ok(of_app) };
    let id = question.place.key();
    let attributes = [
        ("app", Attribute::Text(app.as_str())),
        ("name", Attribute::Text(environment.as_str())),
        ("protected", Attribute::Flag(question.facts.protected)),
        ("preview", Attribute::Flag(question.facts.preview)),
    ];
    entities.push(entity(&KINDS.environment, &id, &attributes, HashSet::from([of_app]))?);
    Ok(uid(&KINDS.environment, &id))
}

fn context(question: &Question) -> Result<Context, String> {
    let facts = question.facts;
    let flags = [
        ("break_glass", facts.break_glass),
        ("author_is_caller", facts.author_is_caller),
        ("deployer_is_caller", facts.deployer_is_caller),
        ("turns_on", facts.turns_on),
    ];
    let flags = flags.map(|(name, flag)| (name.to_owned(), RestrictedExpression::new_bool(flag)));
    let (from, address) = match question.from {
        Origin::Socket { .. } => ("socket", None),
        Origin::Address(address) => ("address", Some(address.to_canonical())),
        Origin::Ssh => ("ssh", None),
        Origin::Within => ("tidegate", None),
    };
    let from = ("from".to_owned(), RestrictedExpression::new_string(from.to_owned()));
    let address =
        address.map(|address| ("address".to_owned(), RestrictedExpression::new_ip(address.to_string())));
    Context::from_pairs(flags.into_iter().chain([from]).chain(address)).map_err(|error| error.to_string())
}
