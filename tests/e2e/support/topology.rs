/// Where the modules run. Every end-to-end test takes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// All modules in one process.
    #[default]
    AllLocal,
}
