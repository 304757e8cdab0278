//! Instances, each with the service it belongs to. Oldest first: the order they were first put in.

use std::collections::BTreeMap;

use tidegate_core::model::{Instance, InstanceId, ServiceKey};

use super::key_of;
use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "instances";

impl Reader {
    /// One instance and its service.
    pub fn instance(&self, id: &InstanceId) -> Result<Option<(ServiceKey, Instance)>, StoreError> {
        let found = self.each(
            "SELECT body, app, environment, service FROM instances WHERE id = ?1",
            [&id.0],
            |found| Ok((key_of(TABLE, found, 1)?, row::of_row(TABLE, found)?)),
        )?;
        Ok(found.into_iter().next())
    }

    /// A service's instances.
    pub fn instances_of(&self, key: &ServiceKey) -> Result<Vec<Instance>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM instances WHERE app = ?1 AND environment = ?2 AND service = ?3 ORDER BY at",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )
    }

    /// Every instance by service, in one query: for a pass over all services. Services without one are not in it.
    pub fn all_instances(&self) -> Result<BTreeMap<ServiceKey, Vec<Instance>>, StoreError> {
        let mut all = BTreeMap::<ServiceKey, Vec<Instance>>::new();
        self.each("SELECT body, app, environment, service FROM instances ORDER BY at", [], |found| {
            let instance = row::of_row(TABLE, found)?;
            all.entry(key_of(TABLE, found, 1)?).or_default().push(instance);
            Ok(())
        })?;
        Ok(all)
    }
}

impl Tx<'_> {
    /// Keeps an instance of a service in place of the one with its id. The service must be stored when the
    /// transaction ends.
    pub fn put_instance(&self, key: &ServiceKey, instance: &Instance) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO instances (id, app, environment, service, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (
                &instance.id.0,
                key.app.as_str(),
                key.environment.as_str(),
                key.service.as_str(),
                row::to_body(TABLE, instance)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets an instance; nothing happens where it is not there.
    pub fn remove_instance(&self, id: &InstanceId) -> Result<(), StoreError> {
        self.write("DELETE FROM instances WHERE id = ?1", [&id.0])?;
        Ok(())
    }
}
