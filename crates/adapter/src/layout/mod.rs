//! Layouts: what is known of model families.
