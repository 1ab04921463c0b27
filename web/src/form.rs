//! Column 3: which method, with which parameters, into what kind of file.

use crate::gpu::GpuField;
use crate::method::{MethodParams, MethodSelect};
use crate::output::OutputFields;
use leptos::prelude::*;

/// The form. It is drawn from what the methods say about themselves.
#[component]
pub fn Form() -> impl IntoView {
    view! {
        <div class="form">
            <MethodSelect />
            <MethodParams />
            <OutputFields />
            <GpuField />
        </div>
    }
}
