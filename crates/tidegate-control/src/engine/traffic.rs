//! What each service's stable revision answered, second by second, kept for two days: a policy can be judged by the past before
//! it is used.

use std::collections::BTreeMap;

use tidegate_core::judge::{Tally, Window};
use tidegate_core::judgement::Cursor;
use tidegate_core::model::{CountsReport, ServiceKey, ServiceState};
use tidegate_store::StoreError;

use super::{Engine, Outcome, Sight, World};

const MINUTE_MS: u64 = 60_000;
/// So many minutes are kept.
const KEPT: u64 = 2 * 24 * 60;

/// What was counted in the minute that runs; lost where the control plane is killed in it.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    minute: u64,
    second: u64,
    services: BTreeMap<ServiceKey, Recording>,
}

#[derive(Debug, Default)]
struct Recording {
    cursor: Cursor,
    seconds: Vec<Window>,
}

impl Engine {
    /// Takes in each second once, and writes each minute once it is over.
    pub(super) fn record_traffic(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
    ) -> Result<Outcome, StoreError> {
        let (minute, second) = (sight.time.now.0 / MINUTE_MS, sight.time.now.0 / 1_000);
        if second == self.traffic.second {
            return Ok(Outcome::default());
        }
        self.traffic.second = second;
        if minute != self.traffic.minute {
            self.traffic.write(world)?;
            self.traffic.minute = minute;
        }
        let gateway = &sight.gateway;
        let reports: Vec<&CountsReport> = gateway.counts.iter().chain(&gateway.earlier_counts).collect();
        if !reports.is_empty() {
            let services = world.store.services()?;
            services.iter().for_each(|state| self.traffic.take(state, &reports, second));
        }
        Ok(Outcome::default())
    }
}

impl Traffic {
    fn take(&mut self, state: &ServiceState, reports: &[&CountsReport], second: u64) {
        let Some(stable) = state.stable else { return };
        let first = !self.services.contains_key(&state.key);
        let recording = self.services.entry(state.key.clone()).or_default();
        let counted = recording.cursor.take(reports, &state.key.to_string(), None);
        if first {
            return; // counted before anybody looked
        }
        let rows = counted.iter().filter(|row| row.revision == stable);
        let stable = rows.fold(Tally::default(), |sum, row| sum.plus(&row.tally));
        if stable.n > 0 {
            recording.seconds.push(Window { second, stable, candidate: Tally::default() });
        }
    }

    fn write(&mut self, world: &mut World<'_>) -> Result<(), StoreError> {
        let known = world.store.services()?;
        self.services.retain(|key, _| known.iter().any(|state| state.key == *key));
        if self.services.values().all(|recording| recording.seconds.is_empty()) {
            return Ok(());
        }
        let minute = self.minute;
        world.store.transaction(|tx| {
            let told = self.services.iter().filter(|(_, recording)| !recording.seconds.is_empty());
            told.map(|(key, recording)| (key, &recording.seconds))
                .try_for_each(|(key, seconds)| tx.put_traffic(key, minute, seconds))?;
            tx.prune_traffic(minute.saturating_sub(KEPT)).map(drop)
        })?;
        self.services.values_mut().for_each(|recording| recording.seconds.clear());
        Ok(())
    }
}
