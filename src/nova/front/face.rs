/// The face of one legacy request.
#[derive(Clone, Debug)]
pub struct NovaFace;
