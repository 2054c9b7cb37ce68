//! What may stand in a zone.

use super::Disputed;

pub const ROWS: &[Disputed] = &[
    Disputed {
        taken_by: "-L-",
        text: "c CNAME a\nc A 192.0.2.1",
        says: "zone:7:1: c.example.com. A: a CNAME stands beside other data: A",
        why: "RFC 1034 section 3.6.2",
    },
    Disputed {
        taken_by: "-L-",
        text: "c CNAME a\nc CNAME b",
        says: "zone:6:1: c.example.com. CNAME: 2 different records; only one may stand at a name",
        why: "RFC 2181 section 10.1",
    },
    Disputed {
        taken_by: "BL-",
        text: "c CNAME a\nc KEY 256 3 8 AQAB",
        says: "",
        why: "RFC 3007 section 4.3 has updates signed by such keys",
    },
    Disputed {
        taken_by: "BL-",
        text: "d DNAME a.b.\nx.d A 192.0.2.1",
        says: "zone:7:1: x.d.example.com. A: below the DNAME at d.example.com., which covers it",
        why: "RFC 6672 section 2.4: no resolver would ever ask for it",
    },
    Disputed {
        taken_by: "-L-",
        text: "d DNAME a.b.\nd DNAME a.c.",
        says: "zone:6:1: d.example.com. DNAME: 2 different records; only one may stand at a name",
        why: "RFC 6672 section 2.4",
    },
    Disputed {
        taken_by: "-L-",
        text: "d DNAME a.b.\nd CNAME a.c.",
        says: "zone:6:1: d.example.com. DNAME: a CNAME stands beside other data: DNAME",
        why: "RFC 1034 section 3.6.2",
    },
    Disputed {
        taken_by: "BL-",
        text: "d DNAME a.b.\nd NS ns1",
        says: "zone:6:1: d.example.com. DNAME: a DNAME stands beside NS records below the apex",
        why: "RFC 6672 section 2.3",
    },
    Disputed {
        taken_by: "-L-",
        text: "@ DNAME a.b.",
        says: "zone:5:1: ns1.example.com. A: below the DNAME at example.com., which covers it",
        why: "RFC 6672 section 2.4: the name server stands below it",
    },
    Disputed {
        taken_by: "-LK",
        text: "*.d NS ns1",
        says: "zone:6:1: *.d.example.com. NS: NS records at a wildcard",
        why: "RFC 4592 section 4.2 leaves open what it means",
    },
    Disputed {
        taken_by: "BLK",
        text: "example.net. A 192.0.2.1",
        says: "zone:6:1: example.net. A: outside the zone",
        why: "BIND drops it with a warning, the others keep it; who wrote it means something else",
    },
    Disputed {
        taken_by: "BL-",
        text: "d NS ns.d",
        says: "",
        why: "a warning: the addresses may come from elsewhere",
    },
    Disputed {
        taken_by: "BL-",
        text: "d NS c\nc CNAME ns1",
        says: "",
        why: "a warning: the zone can be served (RFC 2181 section 10.3)",
    },
    Disputed {
        taken_by: "-LK",
        text: "@ DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        says: "zone:6:1: example.com. DS: a DS record at the apex; it belongs into the parent zone",
        why: "RFC 4035 section 2.4: it belongs into the parent",
    },
    Disputed {
        taken_by: "BLK",
        text: "x 10 A 192.0.2.1\nx 20 A 192.0.2.2",
        says: "",
        why: "the first wins with a warning, as in BIND; ldns keeps both (RFC 2181 section 5.2)",
    },
    Disputed {
        taken_by: "BL-",
        text: "d NS 192.0.2.1",
        says: "",
        why: "a warning: a name may look like that",
    },
    Disputed {
        taken_by: "-LK",
        text: "sub SOA a b 1 2 3 4 5",
        says: "zone:6:1: sub.example.com. SOA: a SOA record below the apex",
        why: "a SOA stands at the top of a zone (RFC 1035 section 3.3.13)",
    },
    Disputed {
        taken_by: "-LK",
        text: "@ SOA a b 1 2 3 4 5",
        says: "zone:3:1: example.com. SOA: 2 different records; only one may stand at a name",
        why: "one zone has one SOA (RFC 1034 section 4.2.1)",
    },
    Disputed {
        taken_by: "-L-",
        text: "@ CNAME x",
        says: "zone:6:1: example.com. CNAME: a CNAME at the apex, where SOA and NS stand",
        why: "RFC 1034 section 3.6.2",
    },
    Disputed {
        taken_by: "-L-",
        text: "$ORIGIN example.com.\n@ 9 NS ns.x.",
        says: "example.com.: the zone has no SOA record",
        why: "RFC 1035 section 5.2",
    },
    Disputed {
        taken_by: "-L-",
        text: "$ORIGIN example.com.\n@ 9 SOA ns.x. h 1 2 3 4 5",
        says: "example.com.: the zone has no NS records",
        why: "RFC 1035 section 5.2",
    },
];
