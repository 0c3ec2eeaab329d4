"""Writes one file of each kind by the programs that people write them with: content_writers.py KIND FOLDER."""
import bz2
import csv
import gzip
import json
import lzma
import pathlib
import pickle
import random
import sqlite3
import sys
import tarfile
import zipfile

ROWS = [{"id": i, "text": f"prompt number {i}: what is the dose?", "score": (i * 37 % 101) / 101} for i in range(4000)]


def standard(folder):
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "rows.jsonl").write_text(lines)
    (folder / "rows.json").write_text(json.dumps(ROWS, indent=1))
    with open(folder / "rows.csv", "w", newline="") as out:
        writer = csv.DictWriter(out, ["id", "text", "score"])
        writer.writeheader()
        writer.writerows(ROWS)
    for name, module in (("gz", gzip), ("bz2", bz2), ("xz", lzma)):
        with module.open(folder / f"rows.jsonl.{name}", "wt") as out:
            out.write(lines)
    for protocol in range(6):
        (folder / f"state-{protocol}.pkl").write_bytes(pickle.dumps({"rows": ROWS}, protocol=protocol))
    with sqlite3.connect(folder / "features.db") as database:
        database.execute("create table f (id integer, text text)")
        database.executemany("insert into f values (:id, :text)", ROWS)
    database.close()
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("rows.jsonl", lines)
    with zipfile.ZipFile(folder / "checkpoint.pt", "w") as out:
        out.writestr("archive/data.pkl", pickle.dumps({"w": 1}, protocol=2))
    with tarfile.open(folder / "corpus.tar", "w") as out:
        out.add(folder / "rows.csv", "rows.csv")


def arrow(folder):
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.orc as orc
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe

    table = pa.Table.from_pylist(ROWS)
    for codec in ("none", "snappy", "zstd", "gzip"):
        pq.write_table(table, folder / f"rows-{codec}.parquet", compression=codec)
    feather.write_feather(table, folder / "rows.feather", compression="uncompressed")
    orc.write_table(table, folder / "rows.orc")
    with pa.ipc.new_file(folder / "rows.arrow", table.schema) as out:
        out.write_table(table)

    class Kms(pe.KmsClient):
        def __init__(self, config):
            super().__init__()

        def wrap_key(self, key, master):
            return key.hex() + "." + master

        def unwrap_key(self, wrapped, master):
            return bytes.fromhex(wrapped.split(".")[0])

    factory = pe.CryptoFactory(Kms)
    for name, plain, columns, algorithm in (("encrypted", False, ["text", "score", "id"], "AES_GCM_V1"),
                                            ("gcm-ctr", False, ["text", "score", "id"], "AES_GCM_CTR_V1"),
                                            ("plain-footer", True, ["text", "score", "id"], "AES_GCM_V1"),
                                            ("some-columns", True, ["text"], "AES_GCM_V1")):
        config = pe.EncryptionConfiguration(footer_key="warehouse", column_keys={"people": columns},
                                            plaintext_footer=plain, encryption_algorithm=algorithm)
        properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
        with pq.ParquetWriter(folder / f"rows-{name}.parquet", table.schema, encryption_properties=properties) as out:
            out.write_table(table)


def models(folder):
    import gguf
    import h5py
    import numpy
    import onnx
    from safetensors.numpy import save_file

    generator = numpy.random.default_rng(1)
    weights = generator.normal(0, 0.02, (256, 256)).astype(numpy.float32)
    save_file({"w": weights}, str(folder / "model.safetensors"))
    numpy.save(folder / "w.npy", weights)
    numpy.savez(folder / "w.npz", w=weights)
    numpy.savez_compressed(folder / "w-packed.npz", w=weights)
    with h5py.File(folder / "model.h5", "w") as out:
        out["w"] = weights
    writer = gguf.GGUFWriter(str(folder / "model.gguf"), "llama")
    writer.add_tensor("w", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    helper = onnx.helper
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [256, 256])
    out = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [256, 256])
    tensor = onnx.numpy_helper.from_array(weights, "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [value], [out], [tensor])
    onnx.save(helper.make_model(graph, producer_name="writer"), str(folder / "model.onnx"))
    # Without any header, as parameters lie in memory and in dumps of it.
    for kind in ("float32", "float16", "int8"):
        scale = 127 / 0.08 if kind == "int8" else 1
        (folder / f"stripped-{kind}.bin").write_bytes((weights * scale).astype(kind).tobytes())
    (folder / "tokens-uint16.bin").write_bytes(generator.zipf(1.3, 100_000).clip(0, 50_000).astype("uint16").tobytes())


def jwe(folder):
    from jwcrypto import jwe as library
    from jwcrypto import jwk

    key = jwk.JWK.generate(kty="oct", size=256, kid="k-1")
    token = library.JWE(random.Random(1).randbytes(3000), json.dumps({"alg": "dir", "enc": "A256GCM", "kid": "k-1"}))
    token.add_recipient(key)
    (folder / "token.jwe").write_text(token.serialize(compact=True))
    (folder / "token.json").write_text(token.serialize())


if __name__ == "__main__":
    {"standard": standard, "arrow": arrow, "models": models, "jwe": jwe}[sys.argv[1]](pathlib.Path(sys.argv[2]))
