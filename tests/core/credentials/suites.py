"""The W3C vectors' example contexts, beside the shipped ones."""

from types import SimpleNamespace

from did_service.core.credentials import contexts, eddsa_rdfc_2022
from did_service.core.integrity import eddsa_jcs_2022

VOCABULARY = "https://www.w3.org/ns/credentials/examples#"
_EXAMPLES = {
    "https://www.w3.org/ns/credentials/examples/v2": {"@context": {"@vocab": VOCABULARY}},
}


def load(url):
    return _EXAMPLES.get(url) or contexts.load(url)


RDFC = SimpleNamespace(
    NAME=eddsa_rdfc_2022.NAME,
    prepare=eddsa_rdfc_2022.prepare,
    hash_data=lambda document, options: eddsa_rdfc_2022.hash_data(document, options, load),
)
SUITES = {RDFC.NAME: RDFC, eddsa_jcs_2022.NAME: eddsa_jcs_2022}
