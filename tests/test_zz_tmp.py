import time
t=time.time()
import pytest
import pandas as pd, pyarrow as pa
from tests.conftest import *
def test_a(spark):
    t=time.time()
    df=spark.createDataFrame(pa.table({"a b":[1,2],"c;":["x",None]}))
    print(df.toPandas(), time.time()-t)
    print(df.toArrow())
    df=spark.createDataFrame(pd.DataFrame({"a b":[1,2],"c;":["x",None]}))
    print(df.collect(), time.time()-t)
