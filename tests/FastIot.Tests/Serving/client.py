"""A client of TensorFlow Serving and of the Open Inference Protocol, with python3-requests: as users' own scripts are."""
import gzip
import json
import struct
import sys

import requests

url = sys.argv[1].rstrip("/")
session = requests.Session()


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


answer = session.post(f"{url}/v1/models/half_plus_two:predict", json={"instances": [1.0, 2.0, 5.0]})
check(answer.status_code == 200 and answer.json() == {"predictions": [2.5, 3.0, 4.5]}, answer.text)
answer = session.post(f"{url}/v1/models/half_plus_two/versions/1:predict", data=gzip.compress(json.dumps({"inputs": [2.0]}).encode()),
                      headers={"Content-Encoding": "gzip"})
check(answer.json() == {"outputs": [2.0]}, answer.text)
answer = session.post(f"{url}/v1/models/two_inputs:predict", json={"instances": [{"a": [1, 2], "b": [3, 4]}] * 100})
check(answer.json()["predictions"][99] == {"sum": [4.0, 6.0], "difference": [-2.0, -2.0]}, answer.text)
answer = session.post(f"{url}/v1/models/floats:predict", data='{"instances": [NaN, Infinity]}')
check(str(answer.json()["predictions"]) == "[nan, inf]", answer.text)
answer = session.get(f"{url}/v1/models/half_plus_two")
check({v["state"] for v in answer.json()["model_version_status"]} == {"AVAILABLE"}, answer.text)
answer = session.get(f"{url}/v1/models/half_plus_two/metadata")
check(answer.json()["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT", answer.text)
answer = session.post(f"{url}/v1/models/half_plus_two:predict", data=(part for part in [b'{"inst', b'ances": ', b"[4]}"]))
check(answer.json() == {"predictions": [4.0]}, f"chunked: {answer.text}")
answer = session.post(f"{url}/v1/models/nobody:predict", json={"instances": [1]})
check(answer.status_code == 404 and "error" in answer.json(), answer.text)

# Binary tensors both ways.
head = json.dumps({"inputs": [{"name": "x", "shape": [3], "datatype": "FP32", "parameters": {"binary_data_size": 12}}],
                   "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}).encode()
answer = session.post(f"{url}/v2/models/half_plus_two/infer", data=head + struct.pack("<3f", 1, 2, 5),
                      headers={"Inference-Header-Content-Length": str(len(head))})
length = int(answer.headers["Inference-Header-Content-Length"])
check(json.loads(answer.content[:length])["outputs"][0]["shape"] == [3], answer.content)
check(struct.unpack("<3f", answer.content[length:]) == (2.5, 3.0, 4.5), answer.content)
text = b"".join(struct.pack("<I", len(part)) + part for part in [b"one", b"\xff\x00"])
head = json.dumps({"parameters": {"binary_data_output": True},
                   "inputs": [{"name": "in", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(text)}}]}).encode()
answer = session.post(f"{url}/v2/models/strings/infer", data=head + text, headers={"Inference-Header-Content-Length": str(len(head))})
check(answer.content[int(answer.headers["Inference-Header-Content-Length"]):] == text, answer.content)
print("all good")
