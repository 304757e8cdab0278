//! `fractional`: who is drawn for which variant. The same one always for the same, and evenly over all.

mod cbor;
mod murmur;

use serde_json::Value;

use self::murmur::Murmur;
use crate::logic::{Env, Kind, Node, Scope, Val, each_part, targeting_key};
use crate::options::Fractional;
use crate::resolution::Fault;

/// What all weights together may be.
const MOST_WEIGHT: u64 = 2_147_483_647;

/// One `fractional`, compiled.
#[derive(Debug)]
pub(crate) struct Draw {
    version: Fractional,
    /// By what is drawn; `None`: flag key and targeting key.
    by: Option<Node>,
    shares: Shares,
}

#[derive(Debug)]
enum Shares {
    /// All known beforehand: variants, each with where its share ends, and the end of all.
    Known(Vec<(Value, u64)>, u64),
    /// Some depend on the context.
    Computed(Vec<Node>),
    /// What `fractional` takes for a mistake: it says nothing.
    Invalid,
}

/// One draw: the number drawn and what it falls on.
pub(crate) struct Drawn<'a> {
    pub(crate) hash: u32,
    pub(crate) point: u64,
    pub(crate) total: u64,
    /// Which of the shares, from 0.
    pub(crate) share: usize,
    pub(crate) variant: Val<'a>,
}

impl Draw {
    /// Takes the arguments apart: what comes first and is no list says by what is drawn.
    pub(crate) fn new(version: Fractional, mut args: Vec<Node>) -> Self {
        let is_list = |node: &Node| matches!(node, Node::List(_) | Node::Literal(Value::Array(_)));
        let by = if args.first().is_some_and(|first| !is_list(first)) { Some(args.remove(0)) } else { None };
        let known: Option<Vec<&Value>> = args.iter().map(Node::as_literal).collect();
        let shares = match known {
            Some(known) => add_up(known.into_iter().map(|share| share_of(&Val::from(share)))).map_or(
                Shares::Invalid,
                |(shares, total)| {
                    let owned = shares.into_iter().map(|(variant, end)| (variant.to_json(), end));
                    Shares::Known(owned.collect(), total)
                },
            ),
            None => Shares::Computed(args),
        };
        Self { version, by, shares }
    }

    /// The variant drawn; null where nothing is.
    pub(crate) fn evaluate<'a>(&'a self, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
        Ok(self.draw(env, scope)?.map_or(Val::Null, |drawn| drawn.variant))
    }

    /// The draw itself; `None` where there is nobody to draw for or the shares are none.
    pub(crate) fn draw<'a>(
        &'a self,
        env: &Env<'a>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Option<Drawn<'a>>, Fault> {
        match &self.shares {
            Shares::Invalid => self.hash(env, scope).map(|_| None),
            Shares::Computed(nodes) => {
                let shares =
                    nodes.iter().map(|node| node.evaluate(env, scope)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.hash(env, scope)?.and_then(|hash| draw_computed(hash, shares)))
            }
            Shares::Known(shares, total) => {
                let Some(hash) = self.hash(env, scope)? else { return Ok(None) };
                let found = find(hash, *total, shares.iter().map(|(_, end)| *end));
                Ok(found.map(|(point, share)| {
                    let variant = Val::from(&shares[share].0);
                    Drawn { hash, point, total: *total, share, variant }
                }))
            }
        }
    }

    fn hash<'a>(&'a self, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Option<u32>, Fault> {
        let Some(by) = &self.by else {
            return Ok(targeting_key(env, scope).map(|key| self.hash_of_keys(env.flag_key, &key)));
        };
        if self.version == Fractional::V2
            && let Node::Cat(parts, style) = by
        {
            let mut hash = Murmur::default();
            each_part(parts, *style, env, scope, |part| hash.feed(part.as_bytes()))?;
            return Ok(Some(hash.finish()));
        }
        let by = by.evaluate(env, scope)?;
        Ok(match self.version {
            Fractional::V2 => by.as_text().map(|text| murmur::hash(text.as_bytes())),
            Fractional::V3 => hash_of_cbor(&by),
        })
    }

    fn hash_of_keys(&self, flag_key: &str, targeting_key: &str) -> u32 {
        let mut hash = Murmur::default();
        match self.version {
            Fractional::V2 => {
                hash.feed(flag_key.as_bytes());
                hash.feed(targeting_key.as_bytes());
            }
            Fractional::V3 => {
                cbor::list_of(2, &mut hash);
                cbor::text(flag_key, &mut hash);
                cbor::text(targeting_key, &mut hash);
            }
        }
        hash.finish()
    }
}

fn hash_of_cbor(by: &Val<'_>) -> Option<u32> {
    if matches!(by.kind(), Kind::Null | Kind::List(_)) {
        return None;
    }
    let mut hash = Murmur::default();
    cbor::value(by, &mut hash);
    Some(hash.finish())
}

fn draw_computed<'a>(hash: u32, shares: Vec<Val<'a>>) -> Option<Drawn<'a>> {
    let (mut shares, total) = add_up(shares.into_iter().map(into_share))?;
    let (point, share) = find(hash, total, shares.iter().map(|(_, end)| *end))?;
    let variant = shares.swap_remove(share).0;
    Some(Drawn { hash, point, total, share, variant })
}

/// Where the hash falls in the whole, and on which share.
fn find(hash: u32, total: u64, ends: impl IntoIterator<Item = u64>) -> Option<(u64, usize)> {
    let point = (u64::from(hash) * total) >> 32;
    let share = ends.into_iter().position(|end| point < end)?;
    Some((point, share))
}

/// Shares with where each ends. `None` if one is none, or all together are too much.
fn add_up<'a>(shares: impl Iterator<Item = Option<(Val<'a>, u64)>>) -> Option<(Vec<(Val<'a>, u64)>, u64)> {
    let mut end = 0_u64;
    let mut ends = Vec::new();
    for share in shares {
        let (variant, weight) = share?;
        end = end.saturating_add(weight);
        ends.push((variant, end));
    }
    (end <= MOST_WEIGHT).then_some((ends, end))
}

fn into_share(value: Val<'_>) -> Option<(Val<'_>, u64)> {
    let mut parts = value.into_list()?.into_vec();
    let weight = match parts.len() {
        1 => 1,
        2 => weight(&parts.pop()?)?,
        _ => return None,
    };
    let variant = parts.pop()?;
    match variant.kind() {
        Kind::List(_) | Kind::Object => None,
        _ => Some((variant, weight)),
    }
}

fn share_of<'v>(value: &Val<'v>) -> Option<(Val<'v>, u64)> {
    into_share(value.clone())
}

/// Whole numbers; less than none is none, which is what a rollout computed from the time comes to before it begins.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, not negative, and saturating
fn weight(value: &Val<'_>) -> Option<u64> {
    match value.kind() {
        Kind::Number(n) if n.is_finite() && n.fract() == 0.0 => Some(n.max(0.0) as u64),
        _ => None,
    }
}
