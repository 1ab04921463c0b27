//! Which devices other than the CPU worked on a result, and what that means for it.

use rankweave_adapter::Warning;
use rankweave_merge::{Facts, ModuleReport};
use serde::{Deserialize, Serialize};

/// A device in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceUse {
    /// Its name.
    pub name: String,
    /// Modules it worked on to the end.
    pub modules: usize,
    /// Modules it failed at; the CPU did these.
    pub failed: usize,
    /// What it said at the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// The devices that worked on `modules`, in the order in which they are met.
pub(crate) fn devices(modules: &[ModuleReport]) -> Vec<DeviceUse> {
    let mut devices: Vec<DeviceUse> = Vec::new();
    for line in modules.iter().filter_map(|module| module.device.as_ref()) {
        let found = devices.iter().position(|device| device.name == line.name).unwrap_or_else(|| {
            devices.push(DeviceUse { name: line.name.clone(), modules: 0, failed: 0, said: None });
            devices.len() - 1
        });
        let device = &mut devices[found];
        match &line.failed {
            None => device.modules += 1,
            Some(said) => {
                device.failed += 1;
                device.said.get_or_insert_with(|| said.clone());
            }
        }
    }
    devices
}

/// Says which device had a part in the file, so that it is not reproducible byte for byte; `facts` are those of the rounds.
pub(crate) fn remarks(devices: &[DeviceUse], modules: usize, facts: &Facts) -> Vec<Warning> {
    let worked = |device: &DeviceUse| match device.modules {
        0 => format!("{} began {} modules that the CPU finished", device.name, device.failed),
        done => format!("{} worked on {done} of {modules} modules", device.name),
    };
    let mut parts: Vec<String> = devices.iter().map(worked).collect();
    if parts.is_empty() && facts.by_device() {
        parts.push("A GPU found some of what had to be known beforehand".to_owned());
    }
    let remark = |part: String| Warning {
        code: "gpu".into(),
        message: format!(
            "{part}; it rounds otherwise than the CPU does, so the file is not reproducible byte for byte"
        ),
        place: Default::default(),
    };
    parts.into_iter().map(remark).collect()
}

/// Says where a device failed.
pub(crate) fn warnings(devices: &[DeviceUse]) -> Vec<Warning> {
    let warning = |device: &DeviceUse| {
        let said = device.said.as_deref()?;
        Some(Warning {
            code: "gpu-failed".into(),
            message: format!("{} failed at {} modules, which the CPU did: {said}", device.name, device.failed),
            place: Default::default(),
        })
    };
    devices.iter().filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_merge::DeviceLine;

    fn module(failed: Option<&str>) -> ModuleReport {
        let device = DeviceLine { name: "A".into(), failed: failed.map(Into::into) };
        ModuleReport { device: Some(device), ..blank() }
    }

    fn blank() -> ModuleReport {
        let json = r#"{"module":"m","key":"k","text_encoder":false,"out":1,"columns":1,"rank":1,"sources":[],
            "inner_products":[],"total":0,"kept":0,"lost":0,"rounding":0,"alpha":1,"carried":false}"#;
        serde_json::from_str(json).expect("a module's report")
    }

    #[test]
    fn modules_are_counted_by_device_and_what_failed_is_said() {
        let modules = [blank(), module(None), module(Some("lost")), module(None), module(Some("again"))];
        let found = devices(&modules);
        assert_eq!(found, [DeviceUse { name: "A".into(), modules: 2, failed: 2, said: Some("lost".into()) }]);
        assert!(remarks(&found, 5, &Facts::default())[0].message.starts_with("A worked on 2 of 5 modules"));
        let failed = devices(&modules[2..3]);
        assert!(remarks(&failed, 5, &Facts::default())[0].message.starts_with("A began 1 modules"));
        // First stands how many modules a device looked at.
        let mut facts = Facts::default();
        facts.add(&[vec![0.0, 1.0]]);
        assert!(remarks(&[], 5, &facts).is_empty());
        facts.add(&[vec![0.0, 1.0], vec![2.0, 1.0]]);
        assert!(remarks(&[], 5, &facts)[0].message.starts_with("A GPU found"));
        assert!(warnings(&found)[0].message.ends_with("failed at 2 modules, which the CPU did: lost"));
        assert!(devices(&[blank()]).is_empty() && warnings(&[]).is_empty());
    }
}
