//! The migration: its two steps, in the short form or the long one.

use std::collections::BTreeMap;

use tidegate_core::model::{ContractSpec, MigrateSpec};
use tidegate_core::time::Millis;

use super::layer::Layer;
use super::missing;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{RawContract, RawMigrate};
use crate::span::Spanned;

const WITHIN: Millis = Millis::seconds(10 * 60);

/// The migration of a layer, without variables.
pub(super) fn compile(layer: &Layer<'_>, findings: &mut Findings<'_>) -> Option<MigrateSpec> {
    let migrate = layer.migrate.get()?;
    check_forms(migrate, findings);
    let raw = &migrate.value;
    let long = raw.expand.value();
    let run = long.map_or(&raw.run, |expand| &expand.run);
    if run.is_absent() {
        let help = "write the command, `migrate: { run: npm run migrate }`, or remove `migrate`";
        findings.push(missing("`migrate`", "run", migrate.key).help(help));
    }
    let within = long.map_or(&raw.within, |expand| &expand.within);
    let reversible = long.map_or(&raw.reversible, |expand| &expand.reversible);
    let contract = raw.contract.get().and_then(|contract| compile_contract(contract, findings));
    Some(MigrateSpec {
        run: run.value()?.0.clone(),
        within: within.value().map_or(WITHIN, |within| within.0),
        env: BTreeMap::new(),
        one_way: reversible.value().is_some_and(|flag| !flag.0),
        contract,
    })
}

/// Either the keys of the expand step stand in `migrate` itself, or in `expand`.
fn check_forms(migrate: &Spanned<RawMigrate>, findings: &mut Findings<'_>) {
    let raw = &migrate.value;
    let Some(expand) = raw.expand.get() else { return };
    let short = [
        raw.run.get().map(|run| run.key),
        raw.within.get().map(|within| within.key),
        raw.reversible.get().map(|flag| flag.key),
    ];
    for key in short.into_iter().flatten() {
        findings.push(
            Diagnostic::error(codes::MIGRATE_FORMS, "the expand step is written twice")
                .at(key, "in the short form")
                .at(expand.key, "in the long form")
                .help("move the key into `expand`, or remove `expand`"),
        );
    }
}

fn compile_contract(contract: &Spanned<RawContract>, findings: &mut Findings<'_>) -> Option<ContractSpec> {
    let raw = &contract.value;
    if raw.run.is_absent() {
        findings
            .push(missing("`contract`", "run", contract.key).help("write the command, or remove `contract`"));
    }
    Some(ContractSpec {
        run: raw.run.value()?.0.clone(),
        after: raw.after.value().map_or(ContractSpec::AFTER, |after| after.0),
        within: raw.within.value().map_or(WITHIN, |within| within.0),
        one_way: raw.reversible.value().is_none_or(|flag| !flag.0),
    })
}
