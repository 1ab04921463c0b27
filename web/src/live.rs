//! Parts of the page that follow the state.
//!
//! Leptos compiles its machinery anew for every closure it is given. These put the closure into a box first, so that
//! the machinery is there once, and the page comes down in half the time.

use leptos::prelude::*;

/// A value that follows the state: for attributes, and for text.
pub fn signal<T: Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
    Signal::derive(value)
}

/// A value that is worked out once per change, and is news only if it differs.
pub fn memo<T: PartialEq + Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    let value: Box<dyn Fn() -> T + Send + Sync> = Box::new(value);
    Memo::new(move |_| value())
}

/// A part that is drawn anew whenever something it reads changes.
pub fn part(view: impl Fn() -> AnyView + Send + 'static) -> AnyView {
    let view: Box<dyn Fn() -> AnyView + Send> = Box::new(view);
    view.into_any()
}

/// A part that is there while the condition holds.
pub fn when(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    type Condition = Box<dyn Fn() -> bool + Send + Sync>;
    fn boxed(condition: Condition, view: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
        let condition = memo(condition);
        part(move || if condition.get() { view() } else { nothing() })
    }
    boxed(Box::new(condition), Box::new(view))
}

/// Something to be done now, and again whenever something it reads changes.
pub fn effect(work: impl FnMut() + 'static) {
    let work: Box<dyn FnMut()> = Box::new(work);
    Effect::new(work);
}

/// Several parts of one kind.
pub fn list<T>(items: impl IntoIterator<Item = T>, view: impl Fn(T) -> AnyView) -> AnyView {
    items.into_iter().map(view).collect::<Vec<_>>().into_any()
}

/// Nothing.
pub fn nothing() -> AnyView {
    ().into_any()
}

/// A choice in a list.
pub fn option(id: String, title: String) -> AnyView {
    view! { <option value=id>{title}</option> }.into_any()
}
