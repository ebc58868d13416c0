//! What a reload keeps of an upstream.
