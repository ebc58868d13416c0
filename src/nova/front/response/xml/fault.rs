//! Faults in XML (`nova/api/openstack/wsgi.py` of Icehouse, `Fault` and `XMLDictSerializer`).

use bytes::{BufMut, BytesMut};

use super::{COMPUTE, attribute, declare, escape};

/// The `Content-Type` of every fault, even if the client prefers the vendor's media type, for which Icehouse fails.
pub(crate) const CONTENT_TYPE: &str = "application/xml; charset=UTF-8";

/// Returns the body of a fault. `wait` is the value of `Retry-After`, if the fault repeats it.
pub(crate) fn body(name: &str, code: u16, message: &str, wait: Option<&str>) -> BytesMut {
    let mut out = BytesMut::with_capacity(message.len() + 160);
    out.put_u8(b'<');
    out.extend_from_slice(name.as_bytes());
    attribute(&mut out, "code", &code.to_string());
    declare(&mut out, None, COMPUTE);
    out.extend_from_slice(b"><message>");
    escape::text(&mut out, message);
    out.extend_from_slice(b"</message>");
    if let Some(wait) = wait {
        out.extend_from_slice(b"<retryAfter>");
        escape::text(&mut out, wait);
        out.extend_from_slice(b"</retryAfter>");
    }
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.put_u8(b'>');
    out
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn faults_have_icehouses_form() {
        assert_eq!(
            body("itemNotFound", 404, "Image not found.", None),
            r#"<itemNotFound code="404" xmlns="http://docs.openstack.org/compute/api/v1.1"><message>Image not found.</message></itemNotFound>"#
        );
        assert_eq!(
            body("overLimit", 413, "a <b> & \"c\" \u{1}", Some("0")),
            "<overLimit code=\"413\" xmlns=\"http://docs.openstack.org/compute/api/v1.1\"><message>a &lt;b&gt; &amp; \"c\" \
             \u{fffd}</message><retryAfter>0</retryAfter></overLimit>"
        );
    }
}
